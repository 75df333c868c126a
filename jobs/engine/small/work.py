"""What a stage does in a small run, on Arrow tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, groupby

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
    `together` that all rows are needed in one call, `by` that those with the same value of a column are, which then
    follow each other. `split(lake, transformed)` distributes the result over tables; without it, the rows without
    rejects are the stage's own.
    """

    read: Callable[[Lake, pa.Table], pa.Table]
    batches: Callable[..., Iterator[pa.RecordBatch]]
    extra: tuple[StructField, ...] = ()
    together: bool = False
    by: str | None = None
    loads_a_model: bool = False
    split: Callable[[Lake, pa.Table], SmallOutputs] | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether all keys are needed in one micro-batch."""
        return self.together or self.by is not None

    def batches_of(self, rows: pa.Table, size: int) -> list[pa.RecordBatch]:
        """Return rows as batches for one call each, of at most `size` rows where no more are needed together."""
        whole = rows.combine_chunks()
        if self.by is None:
            return whole.to_batches(max_chunksize=max(len(whole), 1) if self.together else size)
        lengths = [len(list(same)) for _, same in groupby(whole[self.by].to_pylist())]
        starts = [0, *accumulate(lengths)]
        some = zip(starts, lengths, strict=False)
        return [one for start, length in some for one in whole.slice(start, length).to_batches()]
