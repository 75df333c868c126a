"""Images inside parquet files: the `image` struct of Hugging Face datasets, and img2dataset's parquet output."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from udfs.crawl.names import IMAGE_SUFFIXES
from udfs.stages.rows import Row

_IMAGE_NAMES = ("image", "images")
_SIDE_MAPS = ("depth", "instances")
_BUFFER_BYTES = 2**20
_ROWS_READ = 16
_IMAGE_MAGIC = ((b"\xff\xd8\xff", 0), (b"\x89PNG", 0), (b"WEBP", 8))


class ParquetUnclear(Exception):
    """A parquet file whose images cannot be told apart; the message says why and what to do."""


@dataclass(frozen=True)
class ImageColumn:
    """The column that holds a parquet file's images, with the columns that hold any images."""

    name: str
    is_list: bool
    binary: tuple[str, ...]


def parquet_file(stream: BinaryIO) -> pq.ParquetFile:
    """Open a parquet file so that a column chunk is not read at once."""
    return pq.ParquetFile(stream, buffer_size=_BUFFER_BYTES)


def image_column(file: pq.ParquetFile, uri: str) -> ImageColumn | None:
    """Return the column of images; None where a parquet file holds none.

    Raises:
        ParquetUnclear: several columns hold images and none is named `image`, or depth or masks are stored as images.
    """
    schema = file.schema_arrow
    structs = {field.name: _is_list(field.type) for field in schema if _is_image(_item_type(field.type))}
    blobs = {field.name: False for field in schema if _is_binary(field.type) and _names_image(field.name, file)}
    found = structs or blobs
    if not found:
        return None
    name = next((name for name in _IMAGE_NAMES if name in found), next(iter(found)))
    if len(found) > 1 and name not in _IMAGE_NAMES:
        raise ParquetUnclear(f"{uri} has images in {', '.join(found)}; rename the column to ingest to `image`.")
    maps = [one for one in _SIDE_MAPS if one in found]
    if maps:
        raise ParquetUnclear(
            f"{uri} stores {' and '.join(maps)} inside the file, which is not read; write them as PNG files and list "
            "them in a manifest with their images."
        )
    binary = tuple(field.name for field in schema if field.name in found or _is_binary(field.type))
    return ImageColumn(name, found[name], binary)


def listed_images(file: pq.ParquetFile, column: ImageColumn, group: int) -> Iterator[tuple[int, int | None, Row]]:
    """Yield row in the group, item of a list (None without one) and the other columns of each image in a row group."""
    paths = [file.schema.column(number).path for number in range(len(file.schema))]
    leaves = [path for path in paths if path.split(".")[0] == column.name and path.endswith(".path")]
    kept = [field.name for field in file.schema_arrow if field.name not in column.binary]
    read = [path for path in paths if path.split(".")[0] in kept] + (leaves if column.is_list else [])
    start = 0
    for count, rows in _batches(file, group, read):
        for number, row in enumerate(rows or ({} for _ in range(count)), start):
            items = row.pop(column.name, None) if column.is_list else None
            for item in range(len(items or ())) if column.is_list else (None,):
                yield number, item, row
        start += count


def stored_images(stream: BinaryIO, wanted: Sequence[Row]) -> Iterator[tuple[Row, bytes | None, str | None]]:
    """Yield each of the entries' places with its bytes and path, None where the file has none.

    A place is an entry's `row_json`: `row_group`, `row`, `column` and `item`.
    """
    file = parquet_file(stream)
    groups: dict[tuple[int, str], dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for place in wanted:
        groups[place["row_group"], place["column"]][place["row"]].append(place)
    for (group, column), rows in sorted(groups.items()):
        start, left = 0, max(rows)
        for batch in file.iter_batches(_ROWS_READ, row_groups=[group], columns=[column], use_threads=False):
            for number in range(start, start + batch.num_rows):
                for place in rows.get(number, ()):
                    yield place, *_content(batch.column(0)[number - start].as_py(), place["item"])
            start += batch.num_rows
            if start > left:
                break


def _batches(file: pq.ParquetFile, group: int, columns: list[str]) -> Iterator[tuple[int, list[Row] | None]]:
    if not columns:
        yield file.metadata.row_group(group).num_rows, None
        return
    for batch in file.iter_batches(1_024, row_groups=[group], columns=columns, use_threads=False):
        yield batch.num_rows, batch.to_pylist()


def _content(value: Any, item: int | None) -> tuple[bytes | None, str | None]:
    if item is not None:
        value = value[item]
    if isinstance(value, dict):
        return value.get("bytes"), value.get("path")
    return value, None


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _item_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if _is_list(kind) else kind


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _is_image(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        return False
    names = {kind.field(number).name: kind.field(number).type for number in range(kind.num_fields)}
    return "bytes" in names and _is_binary(names["bytes"])


def _names_image(name: str, file: pq.ParquetFile) -> bool:
    """Return whether a binary column holds images, by its name as img2dataset gives it (`jpg`), or by its content.

    A manifest's URIs may be stored as bytes too.
    """
    return name in IMAGE_SUFFIXES or any(_looks_like_image(value) for value in _first_values(file, name))


def _first_values(file: pq.ParquetFile, name: str) -> Iterable[bytes]:
    for batch in file.iter_batches(_ROWS_READ, columns=[name], use_threads=False):
        return [value for value in batch.column(0).to_pylist() if value]
    return []


def _looks_like_image(value: bytes) -> bool:
    return any(value[at : at + len(magic)] == magic for magic, at in _IMAGE_MAGIC)
