"""Checkpoints: whole or not there, and the run that a folder belongs to."""

import json
import os
import shutil
from collections.abc import Callable, Container
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import nn

from vlm.errors import RunDiffers
from vlm.feed.share import Cursor

_RUN, _WEIGHTS, _STATE = "run.json", "weights.pt", "state.json"

# What may differ when a run goes on: it decides how fast it is and what is recorded, not what is learned.
_FREE = frozenset(
    (
        *("loop.workers", "loop.checkpoint_every", "loop.keep", "loop.sample_every", "loop.samples", "loop.device"),
        *("feed.backend", "feed.readers", "feed.prefetch", "feed.version", "out", "lake", "feed.table"),
    )
)


class Checkpoint(NamedTuple):
    """Where a run is after `step` updates."""

    step: int
    cursor: Cursor
    loss: float
    folder: Path


class RunFolder:
    """The folder of one run; settings named in `free` may change when it resumes."""

    def __init__(self, folder: str, free: Container[str] = _FREE) -> None:
        self.folder = Path(folder)
        self._free = free
        self._checkpoints = self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        """Return where the trained model is in the end."""
        return self.folder / "model"

    def begun(self) -> dict[str, Any] | None:
        """Return what the run's first start noted, None where there was none."""
        path = self.folder / _RUN
        return json.loads(path.read_text()) if path.is_file() else None

    def begin(self, settings: dict[str, Any], data: dict[str, Any], mlflow_run: str) -> None:
        """Note what the run is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        noted = {"settings": settings, "data": data, "mlflow_run": mlflow_run}
        text = json.dumps(noted, indent=1)
        write_whole(self.folder / _RUN, lambda file: file.write(text.encode()))

    def check(self, settings: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse to go on with another run's folder.

        Raises:
            RunDiffers: other settings or data than at the run's first start.
        """
        begun = self.begun()
        if begun is None:
            return
        before = {**begun["settings"], **{f"data.{name}": begun["data"].get(name) for name in ("table_id", "digest")}}
        now = {**settings, **{f"data.{name}": data.get(name) for name in ("table_id", "digest")}}
        for name in sorted(before.keys() | now.keys()):
            if name not in self._free and not name.startswith("tracking.") and before.get(name) != now.get(name):
                raise RunDiffers(
                    f"{self.folder} holds a run with {name} = {before.get(name)!r} and this one has "
                    f"{now.get(name)!r}; name another `out`, or remove the folder to begin anew."
                )

    def checkpoint(self, step: int, cursor: Cursor, loss: float) -> Checkpoint:
        """Return the checkpoint of a step, which `save` writes."""
        return Checkpoint(step, cursor, loss, self._checkpoints / f"step-{step:09d}")

    def latest(self) -> Checkpoint | None:
        """Return the last checkpoint, None where there is none."""
        there = sorted(self._checkpoints.glob("step-*"))
        if not there:
            return None
        state = json.loads((there[-1] / _STATE).read_text())
        return Checkpoint(state["step"], Cursor.model_validate(state["cursor"]), state["loss"], there[-1])

    def save(self, at: Checkpoint, model: nn.Module, optimizer: Any, keep: int) -> None:
        """Write a checkpoint beside the others, then give it its name; the oldest are removed."""
        made, beside = at.folder, at.folder.with_name(f".{at.folder.name}")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        torch.save({"weights": _learned(model), "optimizer": optimizer.state_dict()}, beside / _WEIGHTS)
        (beside / _STATE).write_text(json.dumps({"step": at.step, "cursor": at.cursor.model_dump(), "loss": at.loss}))
        if not made.exists():
            os.replace(beside, made)
        for old in sorted(self._checkpoints.glob("step-*"))[:-keep]:
            # A name that is no checkpoint's first: what a killed run leaves half removed is never read.
            os.replace(old, old.with_name(f".{old.name}"))
        for rest in self._checkpoints.glob(".step-*"):
            shutil.rmtree(rest)

    def save_model(self, save: Any) -> None:
        """Have `save(folder)` write the model beside its place, then put it there."""
        beside = self.folder / ".model"
        shutil.rmtree(beside, ignore_errors=True)
        save(beside)
        shutil.rmtree(self.model, ignore_errors=True)
        os.replace(beside, self.model)


def restore(checkpoint: Checkpoint, model: nn.Module, optimizer: Any) -> None:
    """Put a checkpoint's weights into the model and the state of its optimizer."""
    held = torch.load(checkpoint.folder / _WEIGHTS, map_location="cpu", weights_only=True)
    learned = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if learned.keys() != held["weights"].keys():
        raise RunDiffers(f"{checkpoint.folder} has other weights than the model; name another `out`.")
    with torch.no_grad():
        for name, weight in learned.items():
            weight.copy_(held["weights"][name])
    optimizer.load_state_dict(held["optimizer"])


def _learned(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Have `write` fill a file that appears complete or not at all."""
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
