"""Runs in real processes: the same for one rank or three, killed or not, and in MLflow every step once."""

import signal
from pathlib import Path

import pytest
import torch

from tests.loop.tiny import farthest, finish, history, settings_of, start_world, weights_of
from vlm.errors import RunDiffers, SettingsUnusable
from vlm.loop.checkpoint import RunFolder
from vlm.loop.settings import TrainSettings
from vlm.loop.training import train

STEPS = list(range(1, 13))


@pytest.mark.parametrize("world", [2, pytest.param(3, marks=pytest.mark.long)])
def test_worlds_with_the_same_global_batch_learn_the_same(place: Path, whole_run: TrainSettings, world: int) -> None:
    settings = settings_of(place, f"world-{world}", loop__micro_batch=1, loop__workers=1)
    assert not settings.model.freeze_vision_encoder  # its pooling head is never used, which ranks have to agree upon
    finish(start_world(settings, world))
    assert farthest(weights_of(settings, 12), weights_of(whole_run, 12)) < 1e-4
    for name in ("loss", "token_share/light"):
        losses, expected = history(settings, name), history(whole_run, name)
        assert [step for step, _ in losses] == STEPS
        assert [value for _, value in losses] == pytest.approx([value for _, value in expected], rel=1e-5)
    mine, its = RunFolder(settings.out).latest(), RunFolder(whole_run.out).latest()
    assert mine and its and mine.cursor == its.cursor


def test_parts_of_a_batch_make_no_difference(place: Path, whole_run: TrainSettings) -> None:
    settings = settings_of(place, "parts", loop__micro_batch=4)
    train(settings)
    assert farthest(weights_of(settings, 12), weights_of(whole_run, 12)) < 1e-4


DEATHS = [
    pytest.param("vlm.loop.stepping:Stepper.advance", 4, 0, marks=pytest.mark.long),
    ("vlm.loop.stepping:Stepper.advance", 9, 5),
    ("vlm.loop.checkpoint:RunFolder.save", 2, 5),
    pytest.param("vlm.loop.tracking:Run.flush", 2, 10, marks=pytest.mark.long),
    pytest.param("vlm.loop.tracking:Run.record_losses", 1, 12, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("method", "call", "kept"), DEATHS)
def test_a_killed_run_ends_with_the_very_same_weights(
    place: Path, whole_run: TrainSettings, method: str, call: int, kept: int
) -> None:
    settings = settings_of(place, f"killed-{method.rsplit('.', maxsplit=1)[-1]}-{call}")
    process = start_world(settings, death=(method, call))[0]
    process.join(900)
    assert process.exitcode == -signal.SIGKILL
    latest = RunFolder(settings.out).latest()
    assert (latest.step if latest else 0) == kept
    finish(start_world(settings))
    for name, weight in weights_of(settings, 12).items():
        assert torch.equal(weight, weights_of(whole_run, 12)[name]), name
    assert history(settings, "loss") == history(whole_run, "loss")
    assert [step for step, _ in history(settings, "samples_per_s")] == STEPS


def test_what_a_kill_leaves_of_a_checkpoint_is_never_read(place: Path, whole_run: TrainSettings) -> None:
    settings = settings_of(place, "halves")
    finish(start_world(settings))
    checkpoints = Path(settings.out) / "checkpoints"
    assert sorted(path.name for path in checkpoints.iterdir()) == ["step-000000010", "step-000000012"]
    # As if it had died while writing the last one.
    (checkpoints / "step-000000012").rename(checkpoints / ".step-000000012")
    (checkpoints / ".step-000000012" / "state.json").unlink()
    finish(start_world(settings))
    assert farthest(weights_of(settings, 12), weights_of(whole_run, 12)) == 0
    assert [step for step, _ in history(settings, "loss")] == STEPS
    assert sorted(path.name for path in checkpoints.iterdir()) == ["step-000000010", "step-000000012"]
    # A run that has ended ends again at once.
    assert train(settings).loss == pytest.approx(history(settings, "loss")[-1][1])


def test_another_run_does_not_go_on_in_the_same_folder(whole_run: TrainSettings) -> None:
    changed = whole_run.optimizer.model_copy(update={"learning_rate": 0.1})
    with pytest.raises(RunDiffers, match=r"optimizer.learning_rate = 0.003, but this run has 0.1"):
        train(whole_run.model_copy(update={"optimizer": changed}))


def test_a_global_batch_that_ranks_cannot_share_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerate.Accelerator.num_processes", 4)
    monkeypatch.setattr("vlm.loop.world._number", lambda _: 4)
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(SettingsUnusable, match="6 examples cannot be split over 4 processes"):
        train(settings_of(place, "uneven"))
