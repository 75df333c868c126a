"""Lists one piece of a crawl: lines of a manifest, a parquet row group, a tar, or an img2dataset shard."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.reasons import Reason
from udfs.crawl.entries import MANIFEST, PARQUET, TAR, broken_entry, entry, manifest_entry
from udfs.crawl.image_files import failed_entry, failure_entries, folder_entries, is_failed, shard_entries
from udfs.crawl.json_text import json_of
from udfs.crawl.layout import Layout
from udfs.crawl.manifests import NotAManifest, TableRow, table_rows
from udfs.crawl.metadata import metadata_of
from udfs.crawl.parquets import image_column, listed_images, parquet_file
from udfs.crawl.pieces import SAMPLES_STRIDE, Piece
from udfs.crawl.tars import samples
from udfs.stages.rows import Row
from udfs.storage.compressed import open_unzipped
from udfs.storage.files import MissingFile, open_binary

_MAX_LINE_BYTES = 16 * 2**20
_SHOWN_BYTES = 1_000
_ROWS_READ = 1_024
_DAMAGE = (OSError, EOFError, zlib.error, pa.ArrowException, MissingFile, NotAManifest)


def entries_of(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    """Yield the `crawl` rows of a piece with their `position`, without an ingest shard.

    A piece that is damaged ends with a row for itself.
    """
    for number, row in enumerate(_rows_until_damage(piece, crawl_uri)):
        yield {**row, "crawl_uri": crawl_uri, "position": piece.position + number}


def _rows_until_damage(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    try:
        yield from _LISTED[piece.form](piece, crawl_uri)
    except _DAMAGE as error:
        kind = PARQUET if piece.form == "images" else MANIFEST
        text = f"{piece.uri} cannot be read to the end ({error}); write or download it again."
        yield broken_entry(kind, piece.uri, text, f"{piece.version}-{piece.start}")


def loose_entries(layout: Layout) -> Iterator[Row]:
    """Yield the `crawl` rows of single image files, with positions after those of the pieces."""
    first = layout.pieces[-1].position + SAMPLES_STRIDE if layout.pieces else 0
    for number, row in enumerate(folder_entries(layout.loose)):
        yield {**row, "crawl_uri": layout.crawl_uri, "position": first + number}


def rows_in(piece: Piece) -> int:
    """Count the rows of a piece of lines or of a table; its damage counts as one."""
    count = 0
    try:
        for count, _ in enumerate(_texts_in(piece), 1):  # noqa: B007
            pass
    except _DAMAGE:
        count += 1
    return count


def _texts_in(piece: Piece) -> Iterator[str | TableRow]:
    if piece.form == "table":
        yield from table_rows(piece.uri)
        return
    with open_unzipped(piece.uri) as stream:
        yield from lines_between(stream, piece.start, piece.end)


def lines_between(stream: BinaryIO, start: int, end: int) -> Iterator[str]:
    """Yield the non-blank lines that begin in bytes start..end; adjacent ranges never share a line.

    A line over 16 MiB is truncated: it cannot be a manifest row, so ingest quarantines it as malformed.
    """
    stream.seek(max(0, start - 1))
    if start:
        _rest_of_line(stream, b"")
    while stream.tell() < end:
        line = stream.readline(_MAX_LINE_BYTES)
        if not line:
            return
        if not line.endswith(b"\n") and len(line) == _MAX_LINE_BYTES:
            _rest_of_line(stream, line)
            line = line[:_SHOWN_BYTES]
        text = line.decode("utf-8", "replace").strip("\ufeff \t\r\n")
        if text:
            yield text


def _rest_of_line(stream: BinaryIO, line: bytes) -> None:
    while not line.endswith(b"\n"):
        line = stream.readline(_MAX_LINE_BYTES)
        if not line:
            return


def _lines(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    for number, row in enumerate(_texts_in(piece), piece.position + 1):
        if isinstance(row, TableRow) and row.fault:
            uri = f"{piece.uri}#row={number}"
            yield broken_entry(MANIFEST, uri, row.fault, reason=Reason.BAD_MANIFEST_ROW)
        else:
            yield manifest_entry(row.text if isinstance(row, TableRow) else row, crawl_uri, piece.uri, number)


def _row_group(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    with open_binary(piece.uri) as stream:
        batches = pq.ParquetFile(stream).iter_batches(batch_size=_ROWS_READ, row_groups=[piece.start])
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, piece.position + 1):
            yield manifest_entry(json_of(row), crawl_uri, piece.uri, number)


def _tar(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    for sample in samples(piece.uri, piece.end):
        if sample.broken:
            yield broken_entry(TAR, piece.uri, sample.broken, piece.version, sample.member, sample.reason)
        else:
            yield entry(TAR, piece.uri, json.dumps(sample.row), sample.member, piece.version)


def _shard(piece: Piece, _: str) -> Iterator[Row]:
    yield from shard_entries(piece.uri, piece.version)


def _failures(piece: Piece, _: str) -> Iterator[Row]:
    yield from failure_entries(piece.uri, piece.version)


def _images(piece: Piece, _: str) -> Iterator[Row]:
    with open_binary(piece.uri) as stream:
        file = parquet_file(stream)
        column = image_column(file, piece.uri)
        if column is None:
            error = f"{piece.uri} has no column of images, unlike other files of the crawl; remove it."
            yield broken_entry(PARQUET, piece.uri, error, piece.version)
            return
        before = sum(file.metadata.row_group(group).num_rows for group in range(piece.start))
        for number, item, others in listed_images(file, column, piece.start):
            place = {"row_group": piece.start, "row": number, "column": column.name, "item": item}
            member = f"row={before + number + 1}" + ("" if item is None else f",item={item + 1}")
            if is_failed(others):
                yield failed_entry(PARQUET, piece.uri, others, piece.version, member)
                continue
            row = {**place, "metadata": metadata_of(json_of(others))}
            yield entry(PARQUET, piece.uri, json.dumps(row), member, piece.version)


_LISTED = {
    "lines": _lines, "table": _lines, "rows": _row_group, "images": _images, "tar": _tar, "shard": _shard,
    "failures": _failures,
}  # fmt: skip


def numbered(pieces: list[Piece], counts: dict[int, int]) -> list[Piece]:
    """Return the pieces with consecutive positions; `counts` maps the index of a piece to its number of rows."""
    out, position = [], 0
    for index, piece in enumerate(pieces):
        out.append(replace(piece, position=position))
        position += counts[index]
    return out
