"""Models in an object store: each machine fetches one once, and keeps it by the digest of its content."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from udfs.experts.pinning import folder_digest
from udfs.storage.files import list_files, open_binary
from udfs.storage.locations import home_folder


def local_copy(uri: str, digest: str | None = None) -> Path:
    """Return this machine's copy of the model under an `s3://` prefix, fetched unless it is there.

    With `digest`, as a recipe holds it, a copy with that content is taken without asking the store.

    Raises:
        ValueError: nothing is there, or what is there has another digest.
        MissingFile: the store refuses.
    """
    root = home_folder() / "models"
    if digest and (root / _name(digest)).is_dir():
        return root / _name(digest)
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root / ".lock"):
        listed = sorted(list_files(uri), key=lambda one: one.uri)
        if not listed:
            raise ValueError(
                f"There is no model at {uri}; put the files of `save_pretrained` there, or correct the URI."
            )
        versions = "\n".join(f"{one.uri}\t{one.size}\t{one.version}" for one in listed)
        known = root / f".{hashlib.sha256(versions.encode()).hexdigest()}"
        if not known.is_file() or not (root / known.read_text()).is_dir():
            known.write_text(_fetched(uri, [one.uri for one in listed], root))
        found = root / known.read_text()
    if digest and found.name != _name(digest):
        raise ValueError(
            f"The model at {uri} differs from the recipe's ({digest}); put the same files there, or restart the run."
        )
    return found


def _fetched(uri: str, files: list[str], root: Path) -> str:
    """Copy files into a folder that is named by the digest of all of them, and return its name."""
    draft = Path(tempfile.mkdtemp(dir=root, prefix=".draft-"))
    try:
        for one in files:
            path = draft / one.removeprefix(uri.rstrip("/")).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            with open_binary(one) as stream, path.open("wb") as file:
                shutil.copyfileobj(stream, file)
        name = _name(folder_digest(draft))
        if not (root / name).exists():
            os.replace(draft, root / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return name


def _name(digest: str) -> str:
    return digest.replace(":", "-")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
