"""How a stage writes: which keys are left, and in which order a micro-batch is committed.

A stage names one of four strategies:

| strategy | for | a micro-batch is committed in this order |
|---|---|---|
| `Append` | at most one row per key | run, rejects, side tables, rows |
| `AppendBulk` | many rows per key that cost little to make | rows, rejects, run |
| `AppendOncePerKey` | a key that several upstream rows share | run, rejects, side tables, rows |
| `ReplaceShards` | aggregates of whole ingest shards | run, rejects, side tables, rows in place of the old |

Every commit carries an application id and the number of the micro-batch, so that Delta ignores a repeated one. The last
commit marks the micro-batch as done: before it, a restart computes the whole micro-batch again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from jobs.engine.ledger import BatchReport, Ledger, Rejects
from schemas.table import Table


@dataclass(frozen=True)
class Outputs:
    """What a micro-batch writes: the stage's rows, rejects in QUARANTINE's shape, and side tables.

    `rows_without_rejects` says that `rows` are exactly those without a reject, which saves counting them.
    """

    rows: DataFrame
    rejects: DataFrame
    sides: tuple[tuple[Table, DataFrame], ...] = ()
    rows_without_rejects: bool = False


@dataclass(frozen=True)
class NewKeys:
    """Keys that a micro-batch finds upstream, some of which may have been dealt with, and all rows upstream."""

    ledger: Ledger
    batch_id: int
    keys: DataFrame
    shards: list[int]
    upstream: DataFrame


@dataclass(frozen=True)
class MicroBatch:
    """New keys of a stage, their ingest shards, and the functions that turn them into rows.

    `transform` maps keys to rows with their rejects, `split` distributes those over the tables.
    """

    ledger: Ledger
    batch_id: int
    keys: DataFrame
    shards: list[int]
    rows_in: int
    started_at: float
    transform: Callable[[DataFrame], DataFrame]
    split: Callable[[DataFrame], Outputs]

    def report(self, rows_out: int, rejects: Rejects) -> BatchReport:
        """Return what the micro-batch did so far."""
        seconds = time.monotonic() - self.started_at
        return BatchReport(self.ledger.stage, self.rows_in, rows_out, rejects, seconds)


@dataclass(frozen=True)
class Append:
    """Add at most one row per key.

    `done` is the table that shows which keys are done, by default the stage's own. With another table, a key may have
    rejects besides its row.
    """

    done: Table | None = None

    def unseen(self, batch: NewKeys) -> DataFrame:
        """Leave out the keys that have rows or rejects already, whichever checkpoint or command made them."""
        ledger, key = batch.ledger, batch.ledger.key
        # In a run without an accident there is nothing, which costs less to learn than a join.
        if not ledger.has_dealt(self.done or ledger.target, batch.shards):
            return batch.keys
        dealt = ledger.rows_before(self.done or ledger.target, batch.shards, batch.batch_id).select(key)
        if not ledger.revisits:
            rejected = ledger.rejects_before(batch.shards, batch.batch_id)
            # With a table of its own for what is done, a key may have rejects of parts besides its row.
            rejected = rejected.where(F.col("image_id").isNull()) if self.done else rejected
            dealt = dealt.union(rejected.select(key))
        return batch.keys.join(dealt.distinct(), key, "left_anti")

    def write(self, batch: MicroBatch) -> BatchReport:
        """Compute the micro-batch once, cache it, and commit its parts."""
        ledger = batch.ledger
        transformed = batch.transform(batch.keys).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            outputs = batch.split(transformed)
            sound, rejects = sound_and_rejects(transformed)
            rows_out = sound if outputs.rows_without_rejects else outputs.rows.count()
            report = batch.report(rows_out, rejects)
            if ledger.catches_up and not rows_out and not rejects:
                return report
            ledger.append_run(report, batch.batch_id)
            if rejects:
                ledger.append_rejects(outputs.rejects, batch.batch_id)
            for table, rows in outputs.sides:
                ledger.append(table, rows, batch.batch_id)
            # The stage's own rows come last: before that, a restart repeats all of the above.
            self.write_rows(batch, outputs.rows)
        finally:
            transformed.unpersist()
        return report

    def units(self, upstream: DataFrame, key: str) -> int:
        """Return how many rows the stage reads for these upstream rows."""
        return upstream.count()

    def write_rows(self, batch: MicroBatch, rows: DataFrame) -> None:
        """Commit the stage's own rows."""
        batch.ledger.append(batch.ledger.target, rows, batch.batch_id)

    def progress_sql(self, upstream: str, done: str, rejects: str, key: str) -> str:
        """Return a query for `dealt` and `total`: the upstream keys dealt with, and all of them.

        The first three are queries: upstream rows of the recipe that the stage follows, rows of the
        stage's own recipe in `done`, and its rejects.
        """
        # Joined one by one: DataFusion cannot unite columns of tables whose comments differ.
        keys, rows, left_out = (f"(SELECT DISTINCT {key} FROM ({one}) AS s)" for one in (upstream, done, rejects))
        return (
            f"SELECT count(coalesce(r.{key}, q.{key})) AS dealt, count(*) AS total FROM {keys} AS k"
            f" LEFT JOIN {rows} AS r ON k.{key} = r.{key} LEFT JOIN {left_out} AS q ON k.{key} = q.{key}"
        )


@dataclass(frozen=True)
class AppendBulk(Append):
    """Add many rows per key straight from the transform, without caching them.

    Rejects are computed afterwards, for the keys without rows; a restart finds the same keys.
    """

    def write(self, batch: MicroBatch) -> BatchReport:
        """Commit the rows first, then the rejects of keys without rows."""
        ledger = batch.ledger
        self.write_rows(batch, batch.split(batch.transform(batch.keys)).rows)
        written = ledger.rows_of_recipe(batch.shards).groupBy(ledger.key).count()
        counts = [
            row["count"] for row in written.join(F.broadcast(batch.keys.select(ledger.key)), ledger.key).collect()
        ]
        rejects = self._reject_empty(batch, written) if len(counts) < batch.rows_in else {}
        report = batch.report(sum(counts), rejects)
        ledger.append_run(report, batch.batch_id)
        return report

    def _reject_empty(self, batch: MicroBatch, written: DataFrame) -> Rejects:
        ledger = batch.ledger
        empty = batch.keys.join(written.select(ledger.key), ledger.key, "left_anti")
        transformed = batch.transform(empty).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            _, rejects = sound_and_rejects(transformed)
            ledger.append_rejects(batch.split(transformed).rejects, batch.batch_id)
        finally:
            transformed.unpersist()
        return rejects


@dataclass(frozen=True)
class AppendOncePerKey(Append):
    """Process a key that several upstream rows share once, in the first micro-batch that contains it."""

    def unseen(self, batch: NewKeys) -> DataFrame:
        """Return each key once, without those that have rows or were rejected at this attempt."""
        return super().unseen(replace(batch, keys=batch.keys.distinct()))

    def units(self, upstream: DataFrame, key: str) -> int:
        """Return the number of distinct keys."""
        return upstream.select(key).distinct().count()


@dataclass(frozen=True)
class ReplaceShards(Append):
    """Write aggregates: the new rows of an ingest shard replace its old ones.

    `counted` is the target's column with the number of upstream rows behind a row; it shows which shards have grown.
    """

    counted: str | None = None

    def unseen(self, batch: NewKeys) -> DataFrame:
        """Leave out the keys of shards whose rows count all that is upstream; others are computed again as a whole."""
        if self.counted is None:
            return batch.keys
        ledger, inside = batch.ledger, F.col("ingest_shard").isin(batch.shards)
        rows = ledger.lake.read(ledger.target).where(inside & (F.col("recipe") == ledger.recipe))
        counted = rows.groupBy("ingest_shard").agg(F.sum(self.counted).alias("n"))
        if counted.isEmpty():
            return batch.keys
        now = batch.upstream.where(inside).groupBy("ingest_shard").agg(F.count("*").alias("n"))
        return batch.keys.join(now.join(counted, ["ingest_shard", "n"], "left_semi"), "ingest_shard", "left_anti")

    def write_rows(self, batch: MicroBatch, rows: DataFrame) -> None:
        """Commit the rows in place of those of the same shards."""
        ledger = batch.ledger
        ledger.lake.replace_shards(ledger.target, rows, ledger.app_id, batch.batch_id, batch.shards)

    def progress_sql(self, upstream: str, done: str, rejects: str, key: str) -> str:
        """Return a query for `dealt` and `total`, counted in upstream rows, or in shards without `counted`."""
        if self.counted is None:
            return super().progress_sql(upstream, done, rejects, "ingest_shard")
        return (
            f"SELECT coalesce((SELECT sum({self.counted}) FROM ({done}) AS d), 0) AS dealt,"
            f" (SELECT count(*) FROM ({upstream}) AS u) AS total"
        )


def sound_and_rejects(transformed: DataFrame) -> tuple[int, Rejects]:
    """Return how many rows have no reject, and how many have each set of (outcome, reason)."""
    pairs = F.transform("rejects", lambda r: F.struct(r["outcome"].alias("outcome"), r["reason"].alias("reason")))
    sets = transformed.groupBy(F.array_sort(F.array_distinct(pairs)).alias("pairs")).count().collect()
    counts = {tuple((pair[0], pair[1]) for pair in row[0]): row[1] for row in sets}
    return counts.pop((), 0), counts
