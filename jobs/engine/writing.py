"""How a stage writes: which keys are left, and in which order a micro-batch is committed.

A stage names one of five strategies:

| strategy | for | a micro-batch is committed in this order |
|---|---|---|
| `Append` | at most one row per key | run, rejects, side tables, rows |
| `AppendBeside` | the same, with tables beside it | run, rejects, side tables, rows |
| `AppendBulk` | many rows per key that cost little to make | rows, rejects, run |
| `AppendOncePerKey` | a key that several upstream rows share | run, rejects, side tables, rows |
| `ReplaceShards` | aggregates of whole ingest shards | run, rejects, side tables and rows in place of the old |

Every commit carries an application id and the number of the micro-batch, so that Delta ignores a repeated one. The last
commit marks the micro-batch as done: before it, a restart computes the whole micro-batch again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from jobs.engine.ledger import BatchReport, Ledger, Rejects
from schemas.operations import QUARANTINE
from schemas.table import Table

# What a key gives without files is a few MB; its files may be as large as ingest allows.
_FEW_KEYS, _FEW_KEYS_WITH_FILES = 64, 4
# There are at most as many counts as rows that are counted.
_FEW_COUNTED = 16_384


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

    `transform` maps keys to rows with their rejects, `split` distributes those over the tables. `warnings` counts rows
    that break rules which only warn, and ends the run where too many break a rule; None: no rules.
    """

    ledger: Ledger
    batch_id: int
    keys: DataFrame
    shards: list[int]
    rows_in: int
    started_at: float
    transform: Callable[[DataFrame], DataFrame]
    split: Callable[[DataFrame], Outputs]
    warnings: Callable[[DataFrame], dict[str, int]] | None = None

    def is_small(self, table: Table) -> bool:
        """Return whether the driver has room for all that these keys give to a table."""
        return self.rows_in <= (_FEW_KEYS_WITH_FILES if table.holds_files else _FEW_KEYS)

    def report(self, rows_out: int, rejects: Rejects, warned: Mapping[str, int] | None = None) -> BatchReport:
        """Return what the micro-batch did so far."""
        seconds = time.monotonic() - self.started_at
        return BatchReport(self.ledger.stage, self.rows_in, rows_out, rejects, seconds, dict(warned or {}))


@dataclass(frozen=True)
class Append:
    """Add at most one row per key.

    `done` is the table that shows which keys are done, by default the stage's own. With another table, a key may have
    rejects besides its row.
    """

    done: Table | None = None

    @property
    def shows(self) -> tuple[Table, ...]:
        """Return the side tables that, like the stage's own, show what has been written."""
        return (self.done,) if self.done else ()

    @property
    def takes_rules(self) -> bool:
        """Return whether single rows can be left out, by a quality rule."""
        return True

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
            warned = batch.warnings(transformed) if batch.warnings else {}
            outputs = batch.split(transformed)
            sound, rejects = sound_and_rejects(transformed)
            rows_out = sound if outputs.rows_without_rejects else outputs.rows.count()
            report = batch.report(rows_out, rejects, warned)
            if ledger.catches_up and not rows_out and not rejects:
                return report
            ledger.append_run(report, batch.batch_id)
            if rejects:
                ledger.append_rejects(outputs.rejects, batch.batch_id, batch.is_small(QUARANTINE))
            for table, rows in outputs.sides:
                self.write_rows(batch, rows, table)
            # The stage's own rows come last: before that, a restart repeats all of the above.
            self.write_rows(batch, outputs.rows, ledger.target)
        finally:
            transformed.unpersist()
        return report

    def units(self, upstream: DataFrame, key: str) -> int:
        """Return how many rows the stage reads for these upstream rows."""
        return upstream.count()

    def write_rows(self, batch: MicroBatch, rows: DataFrame, table: Table) -> None:
        """Commit rows of the stage's own table or of a side table."""
        batch.ledger.append(table, rows, batch.batch_id, batch.is_small(table))

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
class AppendBeside(Append):
    """Add at most one row per key, and rows of the side tables `beside`, which a recovery takes back with them."""

    beside: tuple[Table, ...] = ()

    @property
    def shows(self) -> tuple[Table, ...]:
        """Return the side tables, to which every micro-batch commits."""
        return self.beside


@dataclass(frozen=True)
class AppendBulk(Append):
    """Add many rows per key straight from the transform, without caching them.

    Rejects are computed afterwards, for the keys without rows; a restart finds the same keys. Rules have to count rows
    before any is written, and with them the rows are cached.
    """

    def write(self, batch: MicroBatch) -> BatchReport:
        """Commit the rows first, then the rejects of keys without rows."""
        if batch.warnings:
            return self._write_ruled(batch, batch.warnings)
        ledger = batch.ledger
        self.write_rows(batch, batch.split(batch.transform(batch.keys)).rows, ledger.target)
        written = ledger.rows_of_recipe(batch.shards).groupBy(ledger.key).count()
        counts = [
            row["count"] for row in written.join(F.broadcast(batch.keys.select(ledger.key)), ledger.key).collect()
        ]
        rejects = self._reject_empty(batch, written) if len(counts) < batch.rows_in else {}
        report = batch.report(sum(counts), rejects)
        ledger.append_run(report, batch.batch_id)
        return report

    def _write_ruled(self, batch: MicroBatch, warnings: Callable[[DataFrame], dict[str, int]]) -> BatchReport:
        """Commit the rows first, then the rejects of keys without rows and of rows that break a rule."""
        ledger = batch.ledger
        transformed = batch.transform(batch.keys).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            warned = warnings(transformed)
            outputs = batch.split(transformed)
            self.write_rows(batch, outputs.rows, ledger.target)
            rows_out, rejects = sound_and_rejects(transformed)
            if rejects:
                ledger.append_rejects(outputs.rejects, batch.batch_id, batch.is_small(QUARANTINE))
            report = batch.report(rows_out, rejects, warned)
            ledger.append_run(report, batch.batch_id)
        finally:
            transformed.unpersist()
        return report

    def _reject_empty(self, batch: MicroBatch, written: DataFrame) -> Rejects:
        ledger = batch.ledger
        empty = batch.keys.join(written.select(ledger.key), ledger.key, "left_anti")
        transformed = batch.transform(empty).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            _, rejects = sound_and_rejects(transformed)
            ledger.append_rejects(batch.split(transformed).rejects, batch.batch_id, batch.is_small(QUARANTINE))
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
    """Write aggregates: the new rows of an ingest shard replace its old ones, in the stage's own and its side tables.

    `counted` is the target's column with the number of upstream rows behind a row; it shows which shards have grown.
    `beside` are the side tables, which have recipes too.
    """

    counted: str | None = None
    beside: tuple[Table, ...] = ()

    @property
    def shows(self) -> tuple[Table, ...]:
        """Return the side tables: a shard is done once it is replaced in all of them."""
        return self.beside

    @property
    def takes_rules(self) -> bool:
        """Return False: without some of its rows, an aggregate would count less than there is."""
        return False

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

    def write_rows(self, batch: MicroBatch, rows: DataFrame, table: Table) -> None:
        """Commit the rows in place of those of the same shards."""
        ledger, is_small = batch.ledger, batch.rows_in <= _FEW_COUNTED
        inside = f"ingest_shard IN ({', '.join(map(str, batch.shards))}) AND recipe = '{ledger.recipe}'"
        ledger.lake.replace_rows(table, rows, ledger.app_id, batch.batch_id, inside, is_small)

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
