"""What a stage does in a small run, on Arrow tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql.types import StructField

from jobs.engine.lake import Lake
from schemas.table import Table


@dataclass(frozen=True)
class SmallOutputs:
    """What a micro-batch writes besides its rejects: the stage's rows, and side tables with theirs."""

    rows: pa.Table
    sides: tuple[tuple[Table, pa.Table], ...] = field(default=())


@dataclass(frozen=True)
class SmallWork:
    """How a stage works without Spark, beside its `read`, `transform` and `split` with it.

    `read(lake, keys)` returns the rows of upstream keys; `batches(batches, schema=)` turns them into the table's
    columns, the `extra` ones and `rejects`, in any process. `loads_a_model` says that every process first loads one,
    `together` that all rows of a micro-batch are needed in one call. `split(lake, transformed)` distributes the result
    over tables; without it, the rows without rejects are the stage's own.
    """

    read: Callable[[Lake, pa.Table], pa.Table]
    batches: Callable[..., Iterator[pa.RecordBatch]]
    extra: tuple[StructField, ...] = ()
    together: bool = False
    loads_a_model: bool = False
    split: Callable[[Lake, pa.Table], SmallOutputs] | None = None
