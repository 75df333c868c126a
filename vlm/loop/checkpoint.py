"""Atomic checkpoints, and the run that a folder belongs to."""

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import nn

from udfs.storage.leases import LeaseUnusable, leased
from udfs.storage.locations import is_s3, normalized
from vlm.errors import RunDiffers, RunInUse
from vlm.feed.share import Cursor
from vlm.loop.remote import RemoteFolder

_RUN, _WEIGHTS, _STATE, _LOCK = "run.json", "weights.pt", "state.json", ".lock"

# These may change when a run resumes, since they affect its speed and records, not the weights.
_FREE = frozenset(
    (
        *("loop.workers", "loop.checkpoint_every", "loop.keep", "loop.sample_every", "loop.samples", "loop.device"),
        *("feed.backend", "feed.readers", "feed.prefetch", "feed.version", "out", "lake", "feed.table"),
    )
)


class Checkpoint(NamedTuple):
    """The state of a run after `step` optimizer steps; `pending`: metrics that were not logged yet."""

    step: int
    cursor: Cursor
    loss: float
    folder: Path
    pending: Sequence[Any] = ()


class RunFolder:
    """The folder of one run; settings named in `free` may change when it resumes.

    One on an object store has a copy on this machine, which `fetch` makes; what is saved goes to both.
    """

    def __init__(self, folder: str, free: Container[str] = _FREE) -> None:
        self._remote = RemoteFolder(folder) if is_s3(normalized(folder)) else None
        self.folder = self._remote.local if self._remote else Path(folder)
        self._free = free
        self._checkpoints = self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        """Return the folder of the trained model."""
        return self.folder / "model"

    def fetch(self) -> None:
        """Copy what a run on an object store goes on from to this machine; one process per machine does."""
        if self._remote:
            self._remote.fetch((_RUN,))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training into the folder.

        Raises:
            RunInUse: another process does, or an object store cannot keep it out.
        """
        with ExitStack() as held:
            if self._remote:
                try:
                    holder = held.enter_context(leased(f"{self._remote.uri}/{_LOCK}", wait=False))
                except LeaseUnusable as error:
                    raise RunInUse(str(error)) from None
                if holder is not None:
                    raise RunInUse(
                        f"Another command ({holder}) is training into {self._remote.uri}; use another --out."
                    )
            held.enter_context(self._held_here())
            yield

    @contextmanager
    def _held_here(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("a+") as file:
            try:
                # Unlike those of flock, these locks do not outlive the process in its data loader workers.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:
                file.seek(0)
                raise RunInUse(
                    f"{file.read().strip() or 'Another process'} is training into {self.folder}; use another --out, or "
                    "wait until it has ended; processes of one run are started by one launcher, such as torchrun."
                ) from error
            file.truncate(0)
            file.write(f"Process {os.getpid()} of {socket.gethostname()}")
            file.flush()
            yield

    def begun(self) -> dict[str, Any] | None:
        """Return what `begin` stored, None for a new run."""
        path = self.folder / _RUN
        return json.loads(path.read_text()) if path.is_file() else None

    def begin(self, settings: dict[str, Any], data: dict[str, Any], mlflow_run: str) -> None:
        """Store the settings, data and MLflow run of a new run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = {"settings": settings, "data": data, "mlflow_run": mlflow_run}
        text = json.dumps(begun, indent=1)
        write_whole(self.folder / _RUN, lambda file: file.write(text.encode()))
        if self._remote:
            self._remote.put(_RUN)

    def check(self, settings: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse to resume the run of other settings or data.

        Raises:
            RunDiffers: settings or data differ from those that the run started with.
        """
        begun = self.begun()
        if begun is None:
            return
        before = {**begun["settings"], **{f"data.{name}": begun["data"].get(name) for name in ("table_id", "digest")}}
        now = {**settings, **{f"data.{name}": data.get(name) for name in ("table_id", "digest")}}
        for name in sorted(before.keys() | now.keys()):
            if name not in self._free and not name.startswith("tracking.") and before.get(name) != now.get(name):
                raise RunDiffers(
                    f"{self.folder} holds a run with {name} = {before.get(name)!r}, but this run has "
                    f"{now.get(name)!r}; use another --out, or remove the folder to start over."
                )

    def checkpoint(self, step: int, cursor: Cursor, loss: float, pending: Sequence[Any] = ()) -> Checkpoint:
        """Return the checkpoint of a step, for `save` to write."""
        return Checkpoint(step, cursor, loss, self._checkpoints / f"step-{step:09d}", pending)

    def latest(self) -> Checkpoint | None:
        """Return the last checkpoint, if any."""
        existing = sorted(self._checkpoints.glob("step-*"))
        if not existing:
            return None
        state = json.loads((existing[-1] / _STATE).read_text())
        cursor = Cursor.model_validate(state["cursor"])
        return Checkpoint(state["step"], cursor, state["loss"], existing[-1], state.get("pending", ()))

    def save(self, at: Checkpoint, model: nn.Module, optimizer: Any, keep: int) -> None:
        """Write a checkpoint under a temporary name, rename it, and remove the oldest ones."""
        final, draft = at.folder, at.folder.with_name(f".{at.folder.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        torch.save({"weights": _trained(model), "optimizer": optimizer.state_dict()}, draft / _WEIGHTS)
        state = {"step": at.step, "cursor": at.cursor.model_dump(), "loss": at.loss, "pending": at.pending}
        (draft / _STATE).write_text(json.dumps(state))
        if not final.exists():
            os.replace(draft, final)
        for old in sorted(self._checkpoints.glob("step-*"))[:-keep]:
            # Renamed first, so that a checkpoint that a killed run removed by half is never read.
            os.replace(old, old.with_name(f".{old.name}"))
        for rest in self._checkpoints.glob(".step-*"):
            shutil.rmtree(rest)
        if self._remote:
            self._remote.put(f"{self._checkpoints.name}/{final.name}")
            self._remote.keep(one.name for one in sorted(self._checkpoints.glob("step-*"))[-keep:])

    def save_model(self, save: Any) -> None:
        """Let `save(folder)` write the model under a temporary name, then rename it."""
        draft = self.folder / ".model"
        shutil.rmtree(draft, ignore_errors=True)
        save(draft)
        shutil.rmtree(self.model, ignore_errors=True)
        os.replace(draft, self.model)
        if self._remote:
            self._remote.put(self.model.name)


def restore(checkpoint: Checkpoint, model: nn.Module, optimizer: Any) -> None:
    """Load the weights and the optimizer state of a checkpoint."""
    state = torch.load(checkpoint.folder / _WEIGHTS, map_location="cpu", weights_only=True)
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if trained.keys() != state["weights"].keys():
        raise RunDiffers(f"{checkpoint.folder} has other weights than the model; use another --out.")
    with torch.no_grad():
        for name, weight in trained.items():
            weight.copy_(state["weights"][name])
    optimizer.load_state_dict(state["optimizer"])


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Have `write` fill a file that appears complete or not at all."""
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
