"""File layouts of items and predictions: every one is a module of `formats`, or of a plugin, that defines `FORMAT`.

A row that does not fit its layout is rejected alone, with the reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vlm.evaluation.formats
from schemas.plugins import modules_with
from vlm.evaluation.columns import OPTION, prediction_column
from vlm.evaluation.items import Answer, AnswerSet, Item, ItemSet, Rejected
from vlm.evaluation.row_files import rows_of
from vlm.evaluation.rows import BadRow, Row, Unreadable

GROUP = "spatiallake.formats"
# Raised by values that violate their layout; any other error is a bug and stops the run.
_ROW_FAULTS = (BadRow, ValueError, TypeError, KeyError, AttributeError, IndexError)


@dataclass(frozen=True)
class ItemReader:
    """How items are read: the rows of a file or folder, and the items of a row, usually one.

    `items` raises BadRow, or any error of a value that violates the layout, for a row without items.
    """

    items: Callable[[Row], Iterable[Item]]
    rows: Callable[[Path], Iterator[Row]] = rows_of


@dataclass(frozen=True)
class PredictionReader:
    """How predictions are read: the answer of a row, or BadRow, and the model that a row belongs to.

    If `columns` names the columns that may hold the text, `answer` finds it in the first of them.
    """

    answer: Callable[[Row], Answer]
    rows: Callable[[Path], Iterator[Row]] = rows_of
    model: Callable[[Row, Path], str] = lambda _, path: path.stem
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A layout by its name, with what can be read from it and written in it; `title` says in a phrase what it is.

    `write` writes items to a file or folder and returns those that were left out.
    """

    name: str
    title: str
    items: ItemReader | None = None
    predictions: PredictionReader | None = None
    write: Callable[[Iterable[Item], Path], list[Rejected]] | None = None


def formats() -> dict[str, Format]:
    """Return all layouts by name, those of plugins last."""
    found = (module.FORMAT for module in modules_with("FORMAT", vlm.evaluation.formats, GROUP))
    return {one.name: one for one in found}


def formats_table() -> list[str]:
    """Return the lines of the documentation's Markdown table of all layouts."""
    rows = (
        (f"`{one.name}`", *("yes" if part else "" for part in (one.items, one.predictions, one.write)), one.title)
        for one in formats().values()
    )
    return [
        "| format | items | predictions | `--write` | layout |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(cells)} |" for cells in rows),
    ]


def read_items(name: str, path: Path) -> ItemSet:
    """Return the items of a file or folder in the format called `name`.

    Raises:
        Unreadable: no such format, or a file that cannot be read at all.
    """
    reader = _part(name, "items")
    items: list[Item] = []
    rejected: list[Rejected] = []
    for row in reader.rows(path):
        try:
            items.extend(reader.items(_sound(row)))
        except _ROW_FAULTS as error:
            rejected.append(_rejected(row, error))
    return ItemSet(items, rejected)


def read_predictions(name: str, path: Path, column: str | None = None) -> list[AnswerSet]:
    """Return the answers of every model in a file or folder in the format called `name`, from a `column` if named.

    Raises:
        Unreadable: no such format, a file that cannot be read at all, or no column that surely holds answers of a
            model.
    """
    reader = _part(name, "predictions")
    answers: dict[str, list[Answer]] = {}
    rejected: list[Rejected] = []
    rows, column = _with_column(name, reader, path, column)
    for row in rows:
        try:
            answer = reader.answer(_sound(row))
            answers.setdefault(reader.model(row, path), []).append(answer)
        except _ROW_FAULTS as error:
            rejected.append(_rejected(row, error))
    if not answers:
        first = f" {rejected[0].reason}" if rejected else ""
        raise Unreadable(f"{path} holds no predictions in the format {name}.{first}")
    return [
        AnswerSet(model, found, [] if place else rejected, column)
        for place, (model, found) in enumerate(answers.items())
    ]


def _with_column(
    name: str, reader: PredictionReader, path: Path, column: str | None
) -> tuple[Iterable[Row], str | None]:
    """Return the rows with the model's text in the first of the reader's columns, and where it was found if unsure."""
    if not reader.columns:
        if column is not None:
            raise Unreadable(f"The format {name} says itself where predictions stand; leave out {OPTION}.")
        return reader.rows(path), None
    rows = list(reader.rows(path))
    if not any(row.values for row in rows):
        return rows, None
    found = prediction_column(rows, reader.columns, path, column)
    held = [row if row.fault else row.holding(reader.columns[0], row.get(found)) for row in rows]
    return held, found if len(reader.columns) > 1 else None


def _sound(row: Row) -> Row:
    if row.fault:
        raise BadRow(row.fault)
    return row


def write_items(name: str, items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write items in the layout called `name`; return those that were left out.

    Raises:
        Unreadable: no such layout.
    """
    return _part(name, "write")(items, path)


def names_of(part: str) -> list[str]:
    """Return the names of the layouts that have a part: `items`, `predictions` or `write`."""
    return [name for name, one in formats().items() if getattr(one, part)]


def _part(name: str, part: str) -> Any:
    known = formats().get(name)
    if known is None or not getattr(known, part):
        verb = {"items": "read items", "predictions": "read predictions", "write": "write items"}[part]
        raise Unreadable(f"There is no format {name!r} to {verb}; choose one of {', '.join(names_of(part))}.")
    return getattr(known, part)


def _rejected(row: Row, error: Exception) -> Rejected:
    said = str(error) if isinstance(error, BadRow) else f"does not fit the layout: {type(error).__name__}: {error}"
    return Rejected(row.number, f"Row {row.number} {said}.")
