"""A run's folder on an object store, and the copy of it that a machine trains into."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pyarrow import fs

from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized

_STATE = "state.json"


class RemoteFolder:
    """An `s3://` prefix with the files of a run, and `local`, this machine's copy.

    A checkpoint is there once its `state.json` is, which is written last and removed first.
    """

    def __init__(self, uri: str) -> None:
        self.uri = normalized(uri)
        name = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        self.local = Path(tempfile.gettempdir()) / "spatiallake-runs" / name
        self._files = filesystem_of(self.uri)

    def fetch(self, names: Iterable[str]) -> None:
        """Make the local copy anew: the files `names`, and the newest checkpoint."""
        shutil.rmtree(self.local, ignore_errors=True)
        self.local.mkdir(parents=True)
        for name in names:
            if self._files.get_file_info(self._at(name)).type == fs.FileType.File:
                self._download(name)
        newest = max(self._checkpoints(), default=None)
        if newest:
            for one in self._listed(f"checkpoints/{newest}"):
                self._download(f"checkpoints/{newest}/{one.base_name}")

    def put(self, *names: str) -> None:
        """Write files and folders of the local copy to the store, folders in place of what is there."""
        for name in names:
            path = self.local / name
            if path.is_file():
                self._upload(name)
                continue
            files = [one.relative_to(self.local).as_posix() for one in sorted(path.rglob("*")) if one.is_file()]
            for one in sorted(files, key=lambda one: one.endswith(f"/{_STATE}")):
                self._upload(one)

    def keep(self, checkpoints: Iterable[str]) -> None:
        """Remove all checkpoints but these from the store."""
        for name in set(self._checkpoints(complete=False)) - set(checkpoints):
            state = self._at(f"checkpoints/{name}/{_STATE}")
            if self._files.get_file_info(state).type == fs.FileType.File:
                self._files.delete_file(state)
            self._files.delete_dir(self._at(f"checkpoints/{name}"))

    def _checkpoints(self, complete: bool = True) -> list[str]:
        names = [one.base_name for one in self._listed("checkpoints")]
        if not complete:
            return names
        states = [self._at(f"checkpoints/{name}/{_STATE}") for name in names]
        there = self._files.get_file_info(states) if states else []
        return [name for name, one in zip(names, there, strict=True) if one.type == fs.FileType.File]

    def _listed(self, name: str) -> list[fs.FileInfo]:
        return self._files.get_file_info(fs.FileSelector(self._at(name), allow_not_found=True))

    def _download(self, name: str) -> None:
        path = self.local / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._files.open_input_stream(self._at(name), compression=None) as stream, path.open("wb") as file:
            shutil.copyfileobj(stream, file)

    def _upload(self, name: str) -> None:
        with (
            (self.local / name).open("rb") as file,
            self._files.open_output_stream(self._at(name), compression=None) as stream,
        ):
            shutil.copyfileobj(file, stream)

    def _at(self, name: str) -> str:
        return f"{path_of(self.uri)}/{name}"
