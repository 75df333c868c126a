"""Lists one piece of a crawl: lines of a manifest, a parquet row group, a tar, or an img2dataset shard."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from udfs.crawl.entries import FILES, FOLDER, TAR, broken_entry, entry, manifest_entry
from udfs.crawl.layout import SAMPLES_STRIDE, Layout, Piece
from udfs.crawl.tars import samples
from udfs.stages.rows import Row
from udfs.storage.files import MissingFile, list_files, open_binary

_IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp")
_OTHER_SUFFIXES = ("txt", "json")
_MAX_LINE_BYTES = 16 * 2**20
_SHOWN_BYTES = 1_000
_ROWS_READ = 1_024


def entries_of(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    """Yield the `crawl` rows of a piece with their `position`, without an ingest shard."""
    rows = {"lines": _lines, "rows": _row_group, "tar": _tar, "shard": _shard}[piece.form](piece, crawl_uri)
    for number, row in enumerate(rows):
        yield {**row, "crawl_uri": crawl_uri, "position": piece.position + number}


def loose_entries(layout: Layout) -> Iterator[Row]:
    """Yield the `crawl` rows of single image files, with positions after those of the pieces."""
    first = layout.pieces[-1].position + SAMPLES_STRIDE if layout.pieces else 0
    for number, file in enumerate(layout.loose):
        row = entry(FOLDER, file.uri, None, version=f"{file.size}-{file.version}")
        yield {**row, "crawl_uri": layout.crawl_uri, "position": first + number}


def rows_in(piece: Piece) -> int:
    """Count the rows of a piece of lines."""
    with open_binary(piece.uri) as stream:
        return sum(1 for _ in lines_between(stream, piece.start, piece.end))


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
    with open_binary(piece.uri) as stream:
        for number, text in enumerate(lines_between(stream, piece.start, piece.end), piece.position + 1):
            yield manifest_entry(text, crawl_uri, piece.uri, number)


def _row_group(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    with open_binary(piece.uri) as stream:
        batches = pq.ParquetFile(stream).iter_batches(batch_size=_ROWS_READ, row_groups=[piece.start])
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, piece.position + 1):
            yield manifest_entry(_as_json(row), crawl_uri, piece.uri, number)


def _tar(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    for sample in samples(piece.uri):
        if sample.broken:
            yield broken_entry(TAR, piece.uri, sample.broken, piece.version)
        else:
            yield entry(TAR, piece.uri, json.dumps(sample.as_row()), sample.member, piece.version)


def _shard(piece: Piece, crawl_uri: str) -> Iterator[Row]:
    folder = piece.uri.removesuffix(".parquet")
    files: dict[str, Any] = {}
    for file in sorted(list_files(folder), key=lambda file: file.uri):
        key, _, suffix = file.uri.rpartition("/")[2].partition(".")
        if suffix.lower() not in _OTHER_SUFFIXES:
            files[key] = file
    try:
        with open_binary(piece.uri) as stream:
            rows = pq.read_table(stream).to_pylist()
    except (pa.ArrowException, MissingFile, OSError) as error:
        text = f"Shard {piece.uri} cannot be read ({error}); download the shard again."
        yield broken_entry(FILES, piece.uri, text, piece.version)
        return
    for row in rows:
        # img2dataset also lists failed downloads, for which there is nothing to ingest.
        if row.get("status", "success") != "success":
            continue
        file = files.get(str(row.get("key")))
        uri = file.uri if file else f"{folder}/{row.get('key')}.{_IMAGE_SUFFIXES[0]}"
        version = f"{file.size}-{file.version}" if file else "absent"
        yield entry(FILES, uri, json.dumps({"metadata": json.loads(_as_json(row))}), version=version)


def _as_json(row: Row) -> str:
    return json.dumps({name: value for name, value in row.items() if value is not None}, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def numbered(pieces: list[Piece], counts: dict[int, int]) -> list[Piece]:
    """Return the pieces with consecutive positions; `counts` maps the index of a piece to its number of rows."""
    out, position = [], 0
    for index, piece in enumerate(pieces):
        out.append(replace(piece, position=position))
        position += counts[index]
    return out
