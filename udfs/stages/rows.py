"""Row functions on Arrow batches: one bad row is rejected alone, its neighbors continue."""

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION
from udfs.stages.time_limit import OverTime, within

# Far above what a large image with many objects takes; what takes longer would hold its worker.
_ROW_LIMIT_S = 600.0

Row = dict[str, Any]
RowFunction = Callable[[Row], Row]


class RowRejected(Exception):
    """A row goes no further; `outcome` and `reason` say why, the message states the value and the remedy."""

    def __init__(self, outcome: Outcome, reason: Reason, error: str) -> None:
        super().__init__(error)
        self.outcome = outcome
        self.reason = reason

    def as_row(self) -> Row:
        """Return the `schemas.operations.REJECT` struct."""
        return {"outcome": str(self.outcome), "reason": str(self.reason), "error": _printable(str(self))}


def _printable(text: str) -> str:
    """Return a text with control characters and halves of surrogate pairs, as of a quoted value, written out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def rejected_by(error: Exception) -> RowRejected:
    """Return the rejection that an exception stands for."""
    if isinstance(error, RowRejected):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (at {frames[-1].name}, line {frames[-1].lineno})" if frames else ""
    message = f"{type(error).__name__}: {error}{where}; rerun it with `spatiallake retry`."
    return RowRejected(Outcome.FAILED, Reason.UNEXPECTED_ERROR, message)


def keys_of(row: Row, recipe: str) -> Row:
    """Return the columns that every row of an image has, rejected or not."""
    kept = {name: row[name] for name in ("image_id", "ingest_shard")}
    return {**kept, "recipe": recipe, "engine_version": ENGINE_VERSION}


def map_rows(
    batches: Iterator[pa.RecordBatch], function: RowFunction, schema: pa.Schema, recipe: str
) -> Iterator[pa.RecordBatch]:
    """Apply `function` to every row of every batch.

    Input rows need `image_id` and `ingest_shard`. Output has `schema`: a table's columns plus `rejects`, a list of
    REJECT structs; a rejected row carries its keys and nulls elsewhere.
    """
    for batch in batches:
        yield pa.RecordBatch.from_pylist([applied(row, function, recipe) for row in batch.to_pylist()], schema=schema)


def applied(row: Row, function: RowFunction, recipe: str) -> Row:
    """Return the output row of one input row: the function's columns, or its keys and the reject."""
    keys = keys_of(row, recipe)
    try:
        with within(_ROW_LIMIT_S):
            return {"rejects": [], **function(row), **keys}
    except OverTime:
        error = f"The image took over {_ROW_LIMIT_S:g} s; look at its size and its number of objects."
        return {**keys, "rejects": [RowRejected(Outcome.FAILED, Reason.TIMED_OUT, error).as_row()]}
    except Exception as error:  # a poisoned row is quarantined alone, whatever it raises
        return {**keys, "rejects": [rejected_by(error).as_row()]}
