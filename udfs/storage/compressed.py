"""Files that may be compressed with gzip, read as their content; the first bytes decide, not the name."""

import gzip
from typing import BinaryIO, cast

from udfs.storage.files import open_binary, read_start

_GZIP_MAGIC = b"\x1f\x8b"


class _Unzipped(gzip.GzipFile):
    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


def open_unzipped(uri: str) -> BinaryIO:
    """Return a seekable reader of a file's content; in a compressed file, seeking backward reads it from its start.

    Reading raises OSError, EOFError or zlib.error where the compressed data is damaged.

    Raises:
        MissingFile: as `open_binary`.
    """
    stream = open_binary(uri)
    magic = stream.read(len(_GZIP_MAGIC))
    stream.seek(0)
    return cast(BinaryIO, _Unzipped(stream)) if magic == _GZIP_MAGIC else stream


def is_gzip(uri: str) -> bool:
    """Return whether a file is compressed.

    Raises:
        MissingFile: as `open_binary`.
    """
    return read_start(uri, len(_GZIP_MAGIC)) == _GZIP_MAGIC


def unzipped_start(uri: str, length: int) -> bytes:
    """Return the first bytes of a file's content, at most `length`; errors as in `open_unzipped`."""
    start = read_start(uri, length)
    if not start.startswith(_GZIP_MAGIC):
        return start
    with open_unzipped(uri) as stream:
        return stream.read(length)
