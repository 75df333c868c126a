"""Prints or writes what a query of `spatiallake sql` answers: a table, CSV, an object a line, or a Parquet file."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.errors import UsageError
from udfs.storage.atomic import written_whole

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "csv", "json")
PARQUET = "parquet"
_OF_SUFFIX = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": PARQUET}


@dataclass(frozen=True)
class Answer:
    """The names of an answer's columns, whether each holds numbers, and its rows."""

    names: Sequence[str]
    numbers: Sequence[bool]
    rows: Iterator[Sequence[Any]]


def require_format(output: str, out: TextIO | Path | None = None) -> None:
    """Check the name of an output format; Parquet is only written to a file.

    Raises:
        UsageError: there is no such format.
    """
    if output not in FORMATS and not (output == PARQUET and isinstance(out, Path)):
        raise UsageError(f"No format {output!r}; the formats are {', '.join(FORMATS)}.")


def format_of(file: Path, named: str | None) -> str:
    """Return the format that the name of a file to write says.

    Raises:
        UsageError: it says none, or another one than was named.
    """
    found = _OF_SUFFIX.get(file.suffix.lower())
    if found is None:
        raise UsageError(f"{file} is no name of an answer; end it in {', '.join(_OF_SUFFIX)}.")
    if named not in (None, found):
        raise UsageError(f"{file} would be {found}, and --format says {named}; leave --format out.")
    return found


@contextmanager
def opened_for(out: TextIO | Path | None) -> Iterator[TextIO]:
    """Yield where to print: a stream, standard output, or a file, which is there once it is whole."""
    if not isinstance(out, Path):
        yield out or sys.stdout
        return
    with written_whole(out) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def write_parquet(answer: "pa.RecordBatchReader", limit: int, file: Path) -> tuple[int, bool]:
    """Write an answer, up to a number of rows unless 0; return how many there were, and whether rows are left out."""
    import pyarrow.parquet as pq

    count = 0
    with written_whole(file) as draft, pq.ParquetWriter(draft, answer.schema) as writer:
        for batch in answer:
            some = batch[: limit - count] if limit else batch
            writer.write_batch(some)
            count += some.num_rows
            if some.num_rows < batch.num_rows:
                return count, True
    return count, False


def print_answer(answer: Answer, output: str, out: TextIO) -> int:
    """Print an answer in a format and return how many rows it had."""
    return _PRINTERS[output](answer, out)


def say_more_rows(limit: int) -> None:
    """Say on stderr that a limit cut rows off."""
    print(f"Only the first {limit} rows are given; --limit 0 gives all.", file=sys.stderr)


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
