"""Locks of a lake: one command at a time writes to a stage's table, or creates tables.

On an object store, one command at a time writes to the lake: Delta's log, which several stages share, has one writer
there.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from jobs.engine.errors import LakeBusy, LakeUnwritable
from udfs.storage.leases import LOST_AFTER_S, LeaseUnusable, NoConditionalWrites, leased
from udfs.storage.locations import is_s3, normalized

try:
    import fcntl
except ImportError:  # a platform without file locks
    fcntl = None

_FOLDER = "_locks"


@contextmanager
def writing(lake_uri: str, stages: Iterable[str], store_locks: bool = True) -> Iterator[None]:
    """Hold the locks of stages while a command writes; they end with the process, however it ends.

    On a file system without locks, and on an object store without `store_locks`, nothing is held.

    Raises:
        LakeBusy: another process is writing to one of the stages, or to the lake on an object store.
        LakeUnwritable: the object store refuses.
    """
    root = normalized(lake_uri)
    with ExitStack() as held:
        if is_s3(root):
            holder = _leased(held, root) if store_locks else None
            if holder is not None:
                raise LakeBusy(
                    f"Another command ({holder}) is writing to {root}; wait until it has ended, then run this one"
                    f" again. One that was killed is forgotten after {LOST_AFTER_S:.0f} s."
                )
            yield
            return
        for stage in stages:
            holder = held.enter_context(_locked(lake_uri, stage, wait=False))
            if holder is not None:
                raise LakeBusy(
                    f"Another command ({holder}) is writing to stage {stage} of {normalized(lake_uri)}; wait until it"
                    " has ended, then run this one again."
                )
        yield


def _leased(held: ExitStack, root: str) -> str | None:
    try:
        return held.enter_context(leased(f"{root}/{_FOLDER}/lake", wait=False))
    except NoConditionalWrites as error:
        raise LakeUnwritable(f"{error}, or, if no other command writes, `--set store_locks=false`.") from None
    except LeaseUnusable as error:
        raise LakeUnwritable(str(error)) from None


@contextmanager
def creating(lake_uri: str) -> Iterator[None]:
    """Hold the lock under which tables are created and altered; wait for it where another process has it."""
    root = normalized(lake_uri)
    if is_s3(root):
        with ExitStack() as held:
            # Where the store cannot, `writing` has told the user, who knows that this command is alone.
            with suppress(NoConditionalWrites):
                held.enter_context(leased(f"{root}/{_FOLDER}/lake", wait=True))
            yield
        return
    with _locked(lake_uri, "tables", wait=True):
        yield


@contextmanager
def _locked(lake_uri: str, name: str, wait: bool) -> Iterator[str | None]:
    """Yield None with the lock held, or who holds it."""
    root = normalized(lake_uri)
    descriptor = None if fcntl is None else _opened(Path(root) / _FOLDER / name)
    if fcntl is None or descriptor is None:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        holder = None
        _sign(descriptor)
    except BlockingIOError:
        holder = _signature(descriptor)
    except OSError:
        # Some network file systems have no locks.
        holder = None
    try:
        yield holder
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        # A lake that cannot be written to fails with its own sentence.
        return None


def _sign(descriptor: int) -> None:
    holder = {"process": os.getpid(), "since": datetime.now(UTC).isoformat(" ", "seconds")}
    try:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    except OSError:
        # The disk is full; the lock holds without a signature.
        return


def _signature(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 1000, 0))
        return f"process {holder['process']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its process is unknown"
