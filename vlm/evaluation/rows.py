"""One row of a local file, with its values and images."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vlm.evaluation.images import ItemImage


class Unreadable(Exception):
    """A file or folder that cannot be read in the named format; the message states the cause and the remedy."""


class BadRow(Exception):
    """A row that does not hold an item; the message completes "Row N ..."."""


@dataclass(frozen=True)
class Row:
    """One row: its values by column, its number among all rows, and the folder of its file.

    `fault` completes "Row N ..." for a row that could not be read.
    """

    values: Mapping[str, Any]
    number: int
    folder: Path
    cell: tuple[str, int, int] | None = None  # Parquet file, row group, row in the group
    fault: str | None = None

    def holding(self, column: str, value: Any) -> "Row":
        """Return the row with another value in a column."""
        return replace(self, values={**self.values, column: value})

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


def _python_list(text: str) -> list[Any]:
    import ast

    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise BadRow(f"has a list that cannot be read: {text[:60]}") from error
    return list(found)
