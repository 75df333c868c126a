"""The pieces of a crawl, each of which one task lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from udfs.storage.compressed import is_gzip
from udfs.storage.files import FileStatus, open_binary

# Positions of samples in tars and shards; the stride keeps them distinct without opening the files.
SAMPLES_STRIDE = 1_000_000

# Compressed content cannot be cut, so that one task reads to its end.
_TO_THE_END = 2**62


@dataclass(frozen=True)
class Piece:
    """A part of a crawl that one task lists.

    `form` is lines (bytes start..end), table (a CSV file), rows or images (row group `start`), tar or shard;
    `position` is that of the first entry.
    """

    form: str
    uri: str
    start: int
    end: int
    position: int
    version: str


def file_pieces(form: str, files: Sequence[FileStatus], first: int = 0) -> list[Piece]:
    """Return a piece for each file; `first` counts the pieces before them."""
    return [
        Piece(form, file.uri, 0, file.size, number * SAMPLES_STRIDE, f"{file.size}-{file.version}")
        for number, file in enumerate(files, first)
    ]


def text_pieces(part: FileStatus, table: bool, chunk_bytes: int) -> list[Piece]:
    """Return the pieces of a manifest of lines, or the one piece of a table or of a compressed file."""
    if table:
        return [Piece("table", part.uri, 0, part.size, 0, part.version)] if part.size else []
    if is_gzip(part.uri):
        return [Piece("lines", part.uri, 0, _TO_THE_END, 0, part.version)]
    starts = range(0, part.size, chunk_bytes)
    return [Piece("lines", part.uri, start, min(start + chunk_bytes, part.size), 0, part.version) for start in starts]


def row_group_pieces(form: str, parts: Sequence[FileStatus], position: int = 0) -> list[Piece]:
    """Return the pieces of parquet files, one for each row group."""
    pieces = []
    for part in parts:
        version = f"{part.size}-{part.version}" if form == "images" else part.version
        with open_binary(part.uri) as stream:
            footer = pq.ParquetFile(stream).metadata
            for group in range(footer.num_row_groups):
                pieces.append(Piece(form, part.uri, group, group + 1, position, version))
                position += footer.row_group(group).num_rows
    return pieces
