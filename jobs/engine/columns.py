"""Row functions as pandas UDFs: columns of any DataFrame in, one struct column with a table's columns out."""

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Union

import numpy as np
import pandas as pd
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import ArrayType, DataType, IntegralType, MapType, Row, StructField, StructType

from jobs.engine.arrow import output_type
from jobs.engine.joining import ARROW_ROWS, SESSION_OPTIONS
from schemas.table import Table

_OF_A_LAKE = ("recipe", "ingest_shard", "engine_version")
_MAX_ARROW_ROWS = 1000

Plain = dict[str, Any]
# Maps batches of rows, each a dict of the inputs by name, to batches of as many output rows.
Run = Callable[[Iterator[list[Plain]]], Iterator[list[Plain]]]


def struct_of(table: Table) -> StructType:
    """Return a table's columns, without those that only a lake has, and `rejects`."""
    kept = [field for field in output_type(table).fields if field.name not in _OF_A_LAKE]
    return StructType([StructField(field.name, field.dataType, True) for field in kept])


@dataclass(frozen=True)
class Input:
    """One column that a function reads: the struct of a table's row, or, without `table`, whatever is given."""

    column: Column | None
    table: Table | None = None

    def lacks(self, value: Any) -> bool:
        """Return whether a value is no row of the table, since it is null or was rejected."""
        if self.table is None:
            return False
        needed = (field.name for field in self.table.schema.fields if not field.nullable)
        return value is None or any(value[name] is None for name in needed if name in value)


def column_of(run: Run, inputs: Mapping[str, Input], returns: StructType) -> Column:
    """Return the struct column that `run` makes of the input columns.

    A row that lacks one of its tables' rows does not reach `run`: its result is null but for `rejects`, which carries
    the reasons on.
    """
    # Columns belong to the driver; workers need the rest.
    kinds = {name: replace(one, column=None) for name, one in inputs.items()}

    def batches(parts: Iterator[tuple[Union[pd.Series, pd.DataFrame], ...]]) -> Iterator[pd.DataFrame]:  # noqa: UP007
        waiting: deque[list[Plain]] = deque()

        def ready() -> Iterator[list[Plain]]:
            for part in parts:
                waiting.append(_rows(part if isinstance(part, tuple) else (part,), kinds))
                yield [row for row in waiting[-1] if not _lacking(row, kinds)]

        for made in run(ready()):
            out = iter(made)
            rows = [_carried(lacking) if (lacking := _lacking(row, kinds)) else next(out) for row in waiting.popleft()]
            yield pd.DataFrame(
                {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in returns.names}
            )

    # Spark compares what comes back with the type, comments included, and they do not come back.
    return pandas_udf(batches, returns.simpleString())(*(one.column for one in inputs.values()))  # pyright: ignore


def by_row(function: Callable[[Plain], Plain]) -> Run:
    """Return what applies a function to one row after the other."""
    return lambda batches: ([function(row) for row in batch] for batch in batches)


def warn_of_large_batches() -> None:
    """Warn where the session sends so many rows at once to Python that a batch of images may take gigabytes."""
    session = SparkSession.getActiveSession()
    rows = int(session.conf.get(ARROW_ROWS, None) or 0) if session else 0
    if rows > _MAX_ARROW_ROWS or (session and rows <= 0):
        advised = SESSION_OPTIONS[ARROW_ROWS]
        warnings.warn(
            f"Spark sends {rows or 'all'} images at once to Python, which may take gigabytes; set "
            f'spark.conf.set("{ARROW_ROWS}", {advised}).',
            stacklevel=3,
        )


def as_column(given: Column | str) -> Column:
    """Return a column given by itself or by its name."""
    return F.col(given) if isinstance(given, str) else given


def _rows(parts: tuple[pd.Series | pd.DataFrame, ...], kinds: Mapping[str, Input]) -> list[Plain]:
    types = [one.table.schema if one.table else None for one in kinds.values()]
    values = [_values(part, kind) for part, kind in zip(parts, types, strict=True)]
    return [dict(zip(kinds, row, strict=True)) for row in zip(*values, strict=True)]


def _values(part: pd.Series | pd.DataFrame, kind: DataType | None) -> list[Any]:
    if isinstance(part, pd.DataFrame):
        columns = [part[name].tolist() for name in part.columns]
        structs = (dict(zip(part.columns, row, strict=True)) for row in zip(*columns, strict=True))
        # A null struct arrives as one whose fields are all null.
        plain = (_plain(struct, kind) for struct in structs)
        return [struct if any(value is not None for value in struct.values()) else None for struct in plain]
    return [_plain(value, kind) for value in part]


def _plain(value: Any, kind: DataType | None = None) -> Any:
    """Return a value as Arrow's own conversion to Python would: pandas turns nulls to NaN and integers to floats."""
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return None
    if isinstance(value, Row):
        value = value.asDict()
    if isinstance(value, dict):
        return {name: _plain(one, _kind_within(kind, name)) for name, one in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        element = kind.elementType if isinstance(kind, ArrayType) else None
        return [_plain(one, element) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return int(value) if isinstance(kind, IntegralType) else value


def _kind_within(kind: DataType | None, name: str) -> DataType | None:
    if isinstance(kind, StructType):
        return kind[name].dataType if name in kind.names else None
    return kind.valueType if isinstance(kind, MapType) else None


def _lacking(row: Plain, kinds: Mapping[str, Input]) -> list[Any]:
    """Return the inputs of a row that are no row of their table."""
    return [value for name, value in row.items() if kinds[name].lacks(value)]


def _carried(lacking: list[Any]) -> Plain:
    rejects = [reject for value in lacking for reject in (value or {}).get("rejects") or []]
    return {"rejects": [dict(one) for one in {tuple(reject.items()): None for reject in rejects}]}
