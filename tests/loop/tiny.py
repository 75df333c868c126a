"""Small runs: images that are light or dark, said in words; and processes that are started and killed."""

import io
import json
import multiprocessing
import os
import pkgutil
import signal
import socket
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlflow import MlflowClient
from PIL import Image

from udfs.storage.locations import has_scheme
from vlm.loop.checkpoint import RunFolder
from vlm.loop.settings import TrainSettings

# Imported once in the server that all processes are forked from.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["vlm.loop.training"])


def write_images(folder: Path, count: int = 40) -> Path:
    """LLaVA JSON of light and dark images, some with two turns, and a few texts alone."""
    rows: list[dict[str, Any]] = []
    for number in range(count):
        light = number % 2
        noise = np.random.default_rng(number).integers(0, 40, (32, 32, 3), np.uint8)
        held = io.BytesIO()
        Image.fromarray(noise + np.uint8(200 * light)).save(held, "PNG")
        (folder / f"{number}.png").write_bytes(held.getvalue())
        said = [("Light?", "Yes" if light else "No")] + [("Is it dark?", "No" if light else "Yes")] * (number % 3 > 0)
        rows.append({"id": str(number), "image": f"{number}.png", "conversations": conversation(said)})
    rows += [{"id": f"t{n}", "conversations": conversation([("Who?", "A model")])} for n in range(4)]
    (folder / "light.json").write_text(json.dumps(rows))
    return folder / "light.json"


def conversation(said: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [
        {"from": speaker, "value": text}
        for question, answer in said
        for speaker, text in (("human", question), ("gpt", answer))
    ]


def settings_of(folder: Path, out: str, **changes: Any) -> TrainSettings:
    """Settings of a small run in `folder`, which holds vision encoder, decoder and images; `a__b` is a.b."""
    stream = {"name": "light", "kind": "llava", "uri": str(folder / "light.json"), "images": str(folder)}
    values: dict[str, Any] = {
        "out": out if has_scheme(out) else str(folder / out),
        "model": {
            "vision_encoder": str(folder / "vision_encoder"), "decoder": str(folder / "decoder"),
            "freeze_vision_encoder": False,
        },
        "mixture": {"streams": [stream]},
        "optimizer": {"learning_rate": 0.003, "warm_up_steps": 4},
        "loop": {"steps": 12, "global_batch": 6, "device": "cpu", "checkpoint_every": 5, "samples": 0, "workers": 0},
        "tracking": {
            "uri": f"sqlite:///{folder / 'mlflow.db'}", "registered_model": None, "system_metrics": False,
        },
    }  # fmt: skip
    for name, value in changes.items():
        section, _, key = name.partition("__")
        values[section] = {**values.get(section, {}), key: value} if key else value
    return TrainSettings.model_validate(values)


def run_rank(settings: dict[str, Any], environment: dict[str, str], death: tuple[str, int] | None) -> None:
    """One rank of a world, in a process of its own; `death` is a method and the call of it that is never made."""
    os.environ.update(environment)
    torch.set_num_threads(1)
    from vlm.loop.training import train

    if death:
        name, left = death
        owner, method = name.rsplit(".", 1)
        found = pkgutil.resolve_name(owner)
        call = getattr(found, method)
        calls = iter(range(1, left + 1))

        def dying(*given: Any, **named: Any) -> Any:
            if next(calls) == left:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        setattr(found, method, dying)
    train(TrainSettings.model_validate(settings))


def start_world(settings: TrainSettings, world: int = 1, death: tuple[str, int] | None = None) -> list[Any]:
    """Start the ranks of a world."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(world):
        given = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = {name: str(value) for name, value in given.items()} if world > 1 else {}
        # The server that forks was started before a test set these.
        environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        process = FORKS.Process(target=run_rank, args=(settings.model_dump(mode="json"), environment, death))
        process.start()
        processes.append(process)
    return processes


def finish(processes: list[Any]) -> None:
    for process in processes:
        process.join(900)
        assert process.exitcode == 0


def weights_of(settings: TrainSettings, step: int) -> dict[str, torch.Tensor]:
    return torch.load(RunFolder(settings.out).folder / "checkpoints" / f"step-{step:09d}" / "weights.pt")["weights"]


def farthest(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> float:
    assert some.keys() == others.keys()
    return max(float((some[name] - others[name]).abs().max()) for name in some)


def history(settings: TrainSettings, name: str) -> list[tuple[int, float]]:
    """All points of a metric in the order of their steps; a step that was logged twice is there twice."""
    client = MlflowClient(settings.tracking_uri)
    run = json.loads((RunFolder(settings.out).folder / "run.json").read_text())["mlflow_run"]
    return sorted((one.step, one.value) for one in client.get_metric_history(run, name))
