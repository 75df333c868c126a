"""Prints what a query of `spatiallake sql` answers, as a table, as CSV, or as an object a line."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.errors import UsageError

FORMATS = ("table", "csv", "json")


@dataclass(frozen=True)
class Answer:
    """The names of an answer's columns, whether each holds numbers, and its rows."""

    names: Sequence[str]
    numbers: Sequence[bool]
    rows: Iterator[Sequence[Any]]


def require_format(output: str) -> None:
    """Check the name of an output format.

    Raises:
        UsageError: there is no such format.
    """
    if output not in FORMATS:
        raise UsageError(f"No format {output!r}; the formats are {', '.join(FORMATS)}.")


def print_answer(answer: Answer, output: str, out: TextIO) -> int:
    """Print an answer in a format and return how many rows it had."""
    return _PRINTERS[output](answer, out)


def say_more_rows(limit: int) -> None:
    """Say on stderr that a limit cut rows off."""
    print(f"Only the first {limit} rows are shown; --limit 0 shows all.", file=sys.stderr)


def _print_table(answer: Answer, out: TextIO) -> int:
    grid = Grid(show_edge=False, header_style="bold")
    for name, is_number in zip(answer.names, answer.numbers, strict=True):
        grid.add_column(name, justify="right" if is_number else "left", overflow="fold")
    count = 0
    for row in answer.rows:
        grid.add_row(*(_cell(value) for value in row))
        count += 1
    console = Console(file=out, markup=False, highlight=False)
    # Columns squeezed to a letter each help nobody: without a terminal the table is as wide as it needs to be.
    console.print(grid) if console.is_terminal else Console(file=out, markup=False, width=100_000).print(grid)
    console.print(f"{count} row{'' if count == 1 else 's'}")
    return count


def _print_csv(answer: Answer, out: TextIO) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.names)
    count = 0
    for row in answer.rows:
        writer.writerow(["" if value is None else _cell(value) for value in row])
        count += 1
    return count


def _print_json(answer: Answer, out: TextIO) -> int:
    count = 0
    for row in answer.rows:
        named = dict(zip(answer.names, (_plain(value) for value in row), strict=True))
        out.write(json.dumps(named, ensure_ascii=False) + "\n")
        count += 1
    return count


_PRINTERS = {"table": _print_table, "csv": _print_csv, "json": _print_json}


def _cell(value: Any) -> str:
    value = _plain(value)
    return (
        json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else "" if value is None else str(value)
    )


def _plain(value: Any) -> Any:
    # A struct of Spark is a tuple with names.
    if hasattr(value, "asDict"):
        return {name: _plain(item) for name, item in value.asDict().items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, bytes | bytearray):
        return f"<{len(value):,} bytes>"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
