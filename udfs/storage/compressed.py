"""Files that may be compressed with gzip, read as their content; the first bytes decide, not the name."""

import gzip
from typing import BinaryIO, cast

from udfs.storage.files import open_binary

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
    if not is_gzip(stream):
        return stream
    return cast(BinaryIO, _Unzipped(stream))


def is_gzip(stream: BinaryIO) -> bool:
    """Return whether a stream holds gzip data; it is left at its start."""
    stream.seek(0)
    magic = stream.read(len(_GZIP_MAGIC))
    stream.seek(0)
    return magic == _GZIP_MAGIC
