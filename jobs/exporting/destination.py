"""The folder or prefix that an export is written to: whole files, and the records of what is written."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import is_s3, normalized

MANIFEST = "export.json"
_RECORDS = ".export"
_READ_BYTES = 2**20
_READERS, _RECORDS_AT_ONCE = 16, 256


@dataclass(frozen=True)
class Destination:
    """A local folder or an `s3://` prefix."""

    uri: str

    def holds_anything(self) -> bool:
        """Return whether there is a file."""
        selector = fs.FileSelector(self._path(""), allow_not_found=True)
        return bool(self._files.get_file_info(selector))

    def manifest(self) -> dict[str, Any] | None:
        """Return what the manifest says, None where there is none that can be read."""
        return self._json(MANIFEST)

    def write_text(self, place: str, text: str) -> None:
        """Write one file whole."""
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder, "text")
            draft.write_text(text, encoding="utf-8")
            self._put(draft, place)

    def size(self, place: str) -> int | None:
        """Return the size of a file in bytes, None where there is none."""
        info = self._files.get_file_info(self._path(place))
        return info.size if info.type == fs.FileType.File else None

    def read_text(self, place: str) -> str:
        """Return the text of one file."""
        with self._files.open_input_stream(self._path(place), compression=None) as stream:
            return stream.read().decode()

    @contextmanager
    def drafts(self) -> Iterator[Path]:
        """Yield a new local folder, for files that `put` then moves; beside the export where that is local."""
        if not is_s3(normalized(self.uri)):
            Path(self._path(_RECORDS)).mkdir(parents=True, exist_ok=True)
        within = None if is_s3(normalized(self.uri)) else self._path(_RECORDS)
        with tempfile.TemporaryDirectory(prefix="draft-", dir=within) as folder:
            yield Path(folder)

    def put(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Move all files below a local folder to the export; return the size and SHA-256 of each by relative path."""
        found = {}
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            place = path.relative_to(folder).as_posix()
            found[place] = {"bytes": path.stat().st_size, "sha256": _digest(path)}
            self._put(path, place)
        return found

    def record(self, place: int) -> dict[str, Any] | None:
        """Return the record of a shard that is written, None of one that is not."""
        return self._json(f"{_RECORDS}/{place:06d}.json")

    def records(self, count: int) -> Iterator[dict[str, Any] | None]:
        """Yield the records of shards 0 to `count` - 1 in order, several read at a time."""
        with ThreadPoolExecutor(_READERS) as readers:
            for first in range(0, count, _RECORDS_AT_ONCE):
                yield from readers.map(self.record, range(first, min(first + _RECORDS_AT_ONCE, count)))

    def write_record(self, place: int, record: Mapping[str, Any]) -> None:
        """Note that a shard is written."""
        self.write_text(f"{_RECORDS}/{place:06d}.json", json.dumps(record, ensure_ascii=False, sort_keys=True))

    def remove_records(self) -> None:
        """Forget which shards are written, and remove drafts of killed processes."""
        if self._files.get_file_info(self._path(_RECORDS)).type == fs.FileType.Directory:
            self._files.delete_dir(self._path(_RECORDS))

    def remove_others(self, kept: set[str]) -> None:
        """Remove every file that is not among the relative paths `kept`."""
        root = self._path("")
        for info in self._files.get_file_info(fs.FileSelector(root, allow_not_found=True, recursive=True)):
            if info.type == fs.FileType.File and info.path.removeprefix(root) not in kept:
                self._files.delete_file(info.path)

    @property
    def _files(self) -> fs.FileSystem:
        return filesystem_of(normalized(self.uri))

    def _path(self, place: str) -> str:
        return f"{path_of(normalized(self.uri))}/{place}"

    def _json(self, place: str) -> dict[str, Any] | None:
        try:
            with self._files.open_input_stream(self._path(place), compression=None) as stream:
                return json.loads(stream.read())
        except (OSError, ValueError):
            return None

    def _put(self, path: Path, place: str) -> None:
        target = self._path(place)
        files = self._files
        if isinstance(files, fs.LocalFileSystem):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            draft = Path(f"{target}.draft")
            shutil.move(path, draft)
            draft.replace(target)
            return
        with path.open("rb") as source, files.open_output_stream(target, compression=None) as stream:
            shutil.copyfileobj(source, stream, _READ_BYTES)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
