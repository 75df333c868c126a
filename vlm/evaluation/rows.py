"""Rows of local files or folders in Parquet, JSON, JSON lines, TSV and CSV."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm.evaluation.images import ItemImage

_SUFFIXES = (".parquet", ".jsonl", ".json", ".tsv", ".csv")
_LISTS = ("data", "questions", "annotations", "items")


class Unreadable(Exception):
    """A file or folder that cannot be read in the named format; the message states the cause and the remedy."""


class BadRow(Exception):
    """A row that does not hold an item; the message completes "Row N ..."."""


@dataclass(frozen=True)
class Row:
    """One row: its values by column, its number among all rows, and the folder of its file."""

    values: Mapping[str, Any]
    number: int
    folder: Path
    cell: tuple[str, int, int] | None = None  # Parquet file, row group, row in the group

    def get(self, column: str) -> Any:
        """Return a value, or None."""
        return self.values.get(column)

    def text(self, *columns: str) -> str:
        """Return the first non-empty of these columns as text.

        Raises:
            BadRow: all are empty.
        """
        for column in columns:
            value = self.values.get(column)
            if value is not None and str(value).strip():
                return str(value).strip()
        raise BadRow(f"has no {' or '.join(columns)}")

    def name(self, *columns: str) -> str:
        """Return the first non-empty of these columns, or the row's number."""
        return next(
            (str(self.values[one]) for one in columns if self.values.get(one) not in (None, "")), str(self.number)
        )

    def list(self, column: str) -> list[Any]:
        """Return a list, also from its textual form; empty without a value."""
        value = self.values.get(column)
        if isinstance(value, str):
            text = value.strip()
            if not text.startswith("["):
                return [value] if text else []
            return list(json.loads(text) if '"' in text or "'" not in text else _python_list(text))
        return list(value) if value is not None else []

    def images(self, *columns: str) -> tuple[ItemImage, ...]:
        """Return the images in these columns, without reading them."""
        return tuple(image for column in columns for image in self._images(column))

    def _images(self, column: str) -> Iterator[ItemImage]:
        value = self.values.get(column)
        if value is None or value == "":
            return
        if isinstance(value, InCell):
            for place in range(value.count):
                yield ItemImage(cell=(*self._cell(), column, place))
            return
        for one in value if isinstance(value, list) else [value]:
            yield image_of(one, self.folder)

    def _cell(self) -> tuple[str, int, int]:
        if self.cell is None:
            raise BadRow("has an image in a cell but does not come from a Parquet file")
        return self.cell


@dataclass(frozen=True)
class InCell:
    """The number of images that remain in a cell of the Parquet file."""

    count: int


def image_of(value: Any, folder: Path) -> ItemImage:
    """Return an image of raw bytes, a Hugging Face {bytes, path}, base64, or a path relative to `folder`.

    Raises:
        BadRow: the value is none of these.
    """
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return ItemImage(data=value)
    if isinstance(value, str) and len(value) > 300 and "." not in value[:300]:
        return ItemImage(encoded=value)
    if isinstance(value, str) and value.startswith("data:image"):
        return ItemImage(encoded=value.partition(",")[2])
    if isinstance(value, str) and value:
        return ItemImage(path=folder / value)
    raise BadRow(f"has an image that is a {type(value).__name__}")


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, or of all files in a folder that have the first known suffix, ordered by name.

    Raises:
        Unreadable: there is nothing to read.
    """
    if not path.exists():
        raise Unreadable(f"{path} does not exist.")
    number = 0
    for file in _files(path):
        for row in _READERS[file.suffix](file):
            yield Row(row.values, number, row.folder, row.cell)
            number += 1


def _files(path: Path) -> list[Path]:
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            hint = " Write predictions as TSV (PRED_FORMAT=tsv)." if path.suffix == ".xlsx" else ""
            raise Unreadable(f"{path.name} is none of {', '.join(_SUFFIXES)}.{hint}")
        return [path]
    for suffix in _SUFFIXES:
        found = sorted(path.rglob(f"*{suffix}"))
        if found:
            return found
    raise Unreadable(f"{path} holds no file of {', '.join(_SUFFIXES)}.")


def _parquet(file: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    held = [field.name for field in table.schema_arrow if _holds_bytes(field.type)]
    plain = [name for name in table.schema_arrow.names if name not in held]
    for group in range(table.num_row_groups):
        rows = table.read_row_group(group, columns=plain).to_pylist() or [{}] * table.metadata.row_group(group).num_rows
        counts = {name: _counts(table, group, name, pa) for name in held}
        for place, values in enumerate(rows):
            inside = {name: InCell(count[place]) for name, count in counts.items() if count[place]}
            yield Row({**values, **inside}, 0, file.parent, (str(file), group, place))


def _holds_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_bytes(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _counts(table: Any, group: int, name: str, pa: Any) -> list[int]:
    """Return the number of images in each row of a column."""
    column = table.read_row_group(group, columns=[name]).column(name)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [length or 0 for chunk in column.chunks for length in chunk.value_lengths().to_pylist()]
    return [int(valid) for valid in column.is_valid().to_pylist()]


def _json_lines(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield Row(_object(line, file), 0, file.parent)


def _object(line: str, file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise Unreadable(f"{file.name} has a line that is not JSON: {line.strip()[:60]!r}.") from error
    return found if isinstance(found, dict) else {"value": found}


def _json(file: Path) -> Iterator[Row]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unreadable(f"{file.name} is not JSON: {error}.") from error
    if isinstance(document, dict):
        document = next((document[key] for key in _LISTS if isinstance(document.get(key), list)), [document])
    for values in document:
        yield Row(values if isinstance(values, dict) else {"value": values}, 0, file.parent)


def _separated(file: Path) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)  # cells may hold images in base64
    with file.open(encoding="utf-8", newline="") as lines:
        for values in csv.DictReader(lines, delimiter="\t" if file.suffix == ".tsv" else ","):
            yield Row(values, 0, file.parent)


def _python_list(text: str) -> list[Any]:
    import ast

    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise BadRow(f"has a list that cannot be read: {text[:60]}") from error
    return list(found)


_READERS = {".parquet": _parquet, ".jsonl": _json_lines, ".json": _json, ".tsv": _separated, ".csv": _separated}
