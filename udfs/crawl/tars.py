"""Reads WebDataset tars as written by img2dataset: consecutive members with the same key form a sample."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from udfs.storage.files import MissingFile, open_binary

_MAX_TEXT_BYTES = 2**20
_TEXTS = ("txt", "json")


@dataclass
class Sample:
    """A sample: its image member with offset and size in bytes, and its texts; `broken` says why the tar ends here."""

    key: str = ""
    member: str | None = None
    offset: int = 0
    size: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    broken: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the content of the entry's `row_json`; metadata that is not JSON stays text, and ingest rejects it."""
        row: dict[str, Any] = {"tar_offset": self.offset, "tar_size": self.size}
        if "txt" in self.texts:
            row["caption"] = self.texts["txt"]
        if "json" in self.texts:
            try:
                row["metadata"] = json.loads(self.texts["json"])
            except (ValueError, RecursionError):
                row["metadata"] = self.texts["json"]
        return row


def samples(uri: str) -> Iterator[Sample]:
    """Yield the samples of a tar in order; a truncated tar ends with a sample whose `broken` is set."""
    sample = Sample()
    try:
        with open_binary(uri) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                key, suffix = _key(member.name)
                if sample.key and key != sample.key:
                    yield sample
                    sample = Sample()
                sample.key = key
                if suffix in _TEXTS:
                    sample.texts[suffix] = _text(tar, member)
                elif sample.member is None:
                    sample.member, sample.offset, sample.size = _plain(member.name), member.offset_data, member.size
            _check_end(stream, tar.offset)
    except (tarfile.TarError, MissingFile, OSError, EOFError, ValueError) as error:
        yield from [sample] if sample.key else []
        yield Sample(broken=f"Tar {uri} cannot be read to the end ({error}); download it again.")
        return
    if sample.key:
        yield sample


def _check_end(stream: BinaryIO, offset: int) -> None:
    # tarfile treats a truncated or corrupt header as the end of the archive; the real end is a block of zeros.
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"it is truncated at byte {offset:,}")


def _key(name: str) -> tuple[str, str]:
    folder, slash, base = name.rpartition("/")
    stem, _, suffix = base.partition(".")
    return f"{folder}{slash}{stem}", suffix.lower()


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = tar.extractfile(member)
    return stream.read(_MAX_TEXT_BYTES).decode("utf-8", "replace").strip() if stream else ""


def _plain(name: str) -> str:
    # Member names are bytes; those that are not UTF-8 cannot be stored as text.
    return name.encode("utf-8", "replace").decode("utf-8")
