"""Processes that do not fit together are refused before a model is loaded."""

from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from accelerate.utils import DistributedType

from tests.loop.tiny import FORKS, settings_of
from vlm.errors import RunInUse, SettingsUnusable
from vlm.loop import world
from vlm.loop.checkpoint import RunFolder
from vlm.loop.settings import LoopSettings, TrainSettings
from vlm.loop.training import train


def refusal(settings: TrainSettings) -> str:
    with pytest.raises(SettingsUnusable) as caught:
        train(settings)
    assert "\n" not in str(caught.value)
    assert not Path(settings.out).exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("ACCELERATE_USE_FSDP", "FSDP"),
        ("ACCELERATE_USE_DEEPSPEED", "DeepSpeed ZeRO"),
        ("ACCELERATE_USE_MEGATRON_LM", "Megatron-LM"),
    ],
)
def test_sharded_models_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, strategy: str) -> None:
    monkeypatch.setenv(name, "true")
    settings = settings_of(tmp_path, "sharded")  # without a model, which would be another error
    assert refusal(settings).startswith(f"The launcher asks for {strategy}, but training does not support")


def test_a_world_without_a_launcher_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "names 2 processes (WORLD_SIZE), but not which one this is" in refusal(settings_of(tmp_path, "alone"))


@pytest.mark.parametrize(
    ("kind", "size", "said"),
    [(DistributedType.NO, 1, "but they form worlds of 1"), (DistributedType.FSDP, 2, "asks for FSDP")],
)
def test_worlds_that_do_not_fit_the_launcher_are_refused(
    monkeypatch: pytest.MonkeyPatch, kind: DistributedType, size: int, said: str
) -> None:
    def accelerator(**options: Any) -> Any:
        return SimpleNamespace(num_processes=size, distributed_type=kind)

    monkeypatch.setattr(world, "Accelerator", accelerator)
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsUnusable, match=said):
        world.open_world(LoopSettings(device="cpu"))


def hold(folder: str, channel: Connection) -> None:
    with RunFolder(folder).held():
        channel.send("held")
        channel.recv()


def test_two_processes_do_not_train_into_one_folder(place: Path) -> None:
    settings = settings_of(place, "shared")
    here, there = FORKS.Pipe()
    other = FORKS.Process(target=hold, args=(settings.out, there))
    other.start()
    assert here.recv() == "held"
    with pytest.raises(RunInUse, match=rf"Process {other.pid} of .* is training into .*shared; use another --out"):
        train(settings)
    assert not (Path(settings.out) / "run.json").exists()
    # A process that is killed holds nothing.
    other.kill()
    other.join()
    assert train(settings).step == 12


def test_streams_that_mlflow_could_not_tell_apart_are_refused(tmp_path: Path) -> None:
    streams = [{"name": name, "kind": "llava", "uri": "x.json", "images": "x"} for name in ("a", "mix (1)", "mix [1]")]
    with pytest.raises(ValueError, match=r"streams mix \(1\) and mix \[1\] have the same name in MLflow"):
        settings_of(tmp_path, "twins", mixture={"streams": streams})
