"""Checks before Spark starts that a lake's folder can be one, and that it can be written."""

import os
import shutil
import tempfile
from pathlib import Path

from jobs.engine.errors import LakeUnreadable, LakeUnwritable
from udfs.storage.locations import absolute, has_scheme

_PROBE_BYTES = 2**20
MIN_FREE_BYTES = 16 * 2**20


def require_folder(uri: str) -> None:
    """Check that a local lake is a folder, or can become one.

    Raises:
        LakeUnreadable: it is a file, or lies below one.
    """
    if has_scheme(uri):
        return
    existing = _existing(uri)
    if not existing.is_dir():
        raise LakeUnreadable(f"The lake {uri} cannot be there, since {existing} is a file; name a folder.")


def require_lake(uri: str) -> None:
    """Check that something is where a local lake is read, before what reads it is imported.

    Raises:
        LakeUnreadable: there is no such folder, or it is empty.
    """
    folder = uri if has_scheme(uri) else absolute(uri)
    if not has_scheme(folder) and not (os.path.isdir(folder) and os.listdir(folder)):
        raise no_lake(uri)


def no_lake(uri: str) -> LakeUnreadable:
    """Return the error of a lake that is not there."""
    return LakeUnreadable(f"There is no lake at {uri}; `spatiallake run --crawl DIR_OR_URI --lake {uri}` makes one.")


def require_writable(uri: str) -> None:
    """Check that a local lake, or the folder it would be made in, takes a file.

    Raises:
        LakeUnreadable: as `require_folder`.
        LakeUnwritable: it is read-only, belongs to someone else, or its disk is full.
    """
    require_folder(uri)
    if has_scheme(uri):
        return
    folder = _existing(uri)
    try:
        # Without a name, so that nothing is left whatever happens.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise LakeUnwritable(
            f"The lake {uri} cannot be written ({error.strerror or error}); make room and give yourself the right to "
            f"write in {folder}, or name another lake."
        ) from error
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise LakeUnwritable(
            f"The disk of the lake {uri} is full ({free / 2**20:.0f} MiB free); make room, or name another lake."
        )


def _existing(uri: str) -> Path:
    """Return the lake, or the first folder above it that is there."""
    path = Path(uri)
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path
