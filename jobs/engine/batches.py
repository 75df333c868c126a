"""One micro-batch of a stage: transformed, and written exactly once with its rejects and its statistics."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from jobs.engine.errors import TooManyFailures
from jobs.engine.lake import Lake
from jobs.engine.stage import Outputs, Stage, with_recipe
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import ENGINE_VERSION

_RATE_NEEDS_ROWS = 50


@dataclass
class BatchReport:
    """What one micro-batch did."""

    stage: str
    rows_in: int
    rows_out: int
    reasons: dict[tuple[str, str], int]
    seconds: float

    def rejected(self, outcome: str) -> int:
        """Return the rows rejected with this outcome."""
        return sum(count for (kind, _), count in self.reasons.items() if kind == outcome)


@dataclass(frozen=True)
class StreamOptions:
    """How a stage is run: the failure rate that stops it, and who hears of each micro-batch."""

    max_failure_rate: float = 0.2
    on_batch: Callable[[BatchReport], None] = lambda report: None


def _sound_and_reasons(transformed: DataFrame) -> tuple[int, dict[tuple[str, str], int]]:
    """Return how many rows have no reject, and how many have one of each (outcome, reason)."""
    pairs = F.transform("rejects", lambda r: F.struct(r["outcome"].alias("outcome"), r["reason"].alias("reason")))
    # A row may have several rejects of one reason; it counts once. A row without any is the null group.
    exploded = transformed.select(F.explode_outer(F.array_distinct(pairs)).alias("r"))
    counts = {(row[0], row[1]): row[2] for row in exploded.groupBy("r.outcome", "r.reason").count().collect()}
    return counts.pop((None, None), 0), counts


@dataclass(frozen=True)
class _Batch:
    """A micro-batch's new keys, with the ingest shards that they lie in."""

    keys: DataFrame
    batch_id: int
    shards: list[int]
    rows_in: int
    started_at: float


@dataclass(frozen=True)
class BatchWriter:
    """Writes micro-batches of one stage; `generation` is the id of the checkpoint that numbers them."""

    lake: Lake
    stage: Stage
    generation: str
    options: StreamOptions
    attempt: int = 1

    def write(self, keys: DataFrame, batch_id: int) -> BatchReport | None:
        """Transform and write one micro-batch; every write is ignored when it was committed before."""
        started_at = time.monotonic()
        # Cut from their source: a plan that is merely cached is computed anew when a table in it is written.
        keys = self._unseen(keys).localCheckpoint()
        shards: dict[int, int] = {row[0]: row[1] for row in keys.groupBy("ingest_shard").count().collect()}
        if not shards:
            return None
        batch = _Batch(keys, batch_id, sorted(shards), sum(shards.values()), started_at)
        report = self._write_bulk(batch) if self.stage.bulk else self._write_held(batch)
        self.options.on_batch(report)
        self._check_failures(report)
        return report

    def _write_held(self, batch: _Batch) -> BatchReport:
        """Compute the micro-batch once, hold it, and write its parts."""
        transformed = self._transformed(batch.keys, batch).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            outputs = self.stage.outputs(self.lake, transformed)
            sound, reasons = _sound_and_reasons(transformed)
            report = self._report(batch, sound if self.stage.split is None else outputs.rows.count(), reasons)
            self.lake.append(STAGE_RUNS, self._run_row(report, batch.batch_id), self._app_id, batch.batch_id)
            if reasons:
                self._append_rejects(outputs, batch)
            for table, rows in outputs.sides:
                self.lake.append(table, rows, self._app_id, batch.batch_id)
            # The stage's own rows come last: until they are there, a restart computes all of the above anew.
            if self.stage.replaces_shards:
                self.lake.replace_shards(self.stage.target, outputs.rows, self._app_id, batch.batch_id, batch.shards)
            else:
                self.lake.append(self.stage.target, outputs.rows, self._app_id, batch.batch_id)
        finally:
            transformed.unpersist()
        return report

    def _write_bulk(self, batch: _Batch) -> BatchReport:
        """Write rows straight from the transform, then find what was left out among the keys that have no row.

        Rows that are many and cheap cost more to hold than to make; a restart finds the same keys without rows.
        """
        made = self.stage.outputs(self.lake, self._transformed(batch.keys, batch))
        self.lake.append(self.stage.target, made.rows, self._app_id, batch.batch_id)
        key = self.stage.keys[0]
        written = with_recipe(self.lake.read(self.stage.target), self.stage.recipe, batch.shards).groupBy(key).count()
        counts = [row["count"] for row in written.join(F.broadcast(batch.keys.select(key)), key).collect()]
        reasons: dict[tuple[str, str], int] = {}
        if len(counts) < batch.rows_in:
            empty = batch.keys.join(written.select(key), key, "left_anti")
            transformed = self._transformed(empty, batch).persist(StorageLevel.MEMORY_AND_DISK)
            try:
                _, reasons = _sound_and_reasons(transformed)
                self._append_rejects(self.stage.outputs(self.lake, transformed), batch)
            finally:
                transformed.unpersist()
        report = self._report(batch, sum(counts), reasons)
        self.lake.append(STAGE_RUNS, self._run_row(report, batch.batch_id), self._app_id, batch.batch_id)
        return report

    @property
    def _app_id(self) -> str:
        return f"spatiallake:{self.stage.name}:{self.generation}"

    def _transformed(self, keys: DataFrame, batch: _Batch) -> DataFrame:
        return self.stage.transform(self.stage.read(self.lake, keys, batch.shards))

    def _append_rejects(self, outputs: Outputs, batch: _Batch) -> None:
        rejects = outputs.rejects.withColumn("attempt", F.lit(self.attempt))
        self.lake.append(QUARANTINE, rejects, self._app_id, batch.batch_id)

    def _report(self, batch: _Batch, rows_out: int, reasons: dict[tuple[str, str], int]) -> BatchReport:
        seconds = time.monotonic() - batch.started_at
        return BatchReport(self.stage.name, batch.rows_in, rows_out, reasons, seconds)

    def _unseen(self, keys: DataFrame) -> DataFrame:
        """Leave out keys that an earlier checkpoint of the same recipe has dealt with.

        Where rows of one key may come in several micro-batches, the first deals with all of them: with what it wrote,
        or with what it quarantined at this attempt.
        """
        if self.stage.replaces_shards:
            return keys
        if self.stage.many_per_key:
            key, stage, recipe = self.stage.keys[0], self.stage.name, self.stage.recipe
            rejected = self.lake.read(QUARANTINE).where((F.col("stage") == stage) & (F.col("recipe") == recipe))
            known = rejected.where(F.col("attempt") >= self.attempt).select(key)
            return self._undone(keys.distinct()).join(known, key, "left_anti")
        runs = self.lake.read(STAGE_RUNS).where(
            (F.col("stage") == self.stage.name)
            & (F.col("recipe") == self.stage.recipe)
            & (F.col("generation") != self.generation)
        )
        return keys if runs.isEmpty() else self._undone(keys)

    def _undone(self, keys: DataFrame) -> DataFrame:
        key = self.stage.keys[0]
        done = self.lake.read(self.stage.done or self.stage.target)
        if "recipe" in done.columns:
            done = done.where(F.col("recipe") == self.stage.recipe)
        return keys.join(done.select(key).distinct(), key, "left_anti")

    def _run_row(self, report: BatchReport, batch_id: int) -> DataFrame:
        reasons = {f"{outcome}:{reason}": count for (outcome, reason), count in report.reasons.items()}
        row = Row(
            stage=self.stage.name,
            recipe=self.stage.recipe,
            generation=self.generation,
            batch_id=batch_id,
            rows_in=report.rows_in,
            rows_out=report.rows_out,
            failed=report.rejected("failed"),
            filtered=report.rejected("filtered"),
            refused=report.rejected("refused"),
            reasons=reasons,
            seconds=report.seconds,
            finished_at=datetime.now(UTC),
            engine_version=ENGINE_VERSION,
        )
        return self.lake.session.createDataFrame([row], STAGE_RUNS.schema)

    def _check_failures(self, report: BatchReport) -> None:
        failed = report.rejected("failed")
        if report.rows_in >= _RATE_NEEDS_ROWS and failed > self.options.max_failure_rate * report.rows_in:
            worst = max(report.reasons.items(), key=lambda item: item[1])[0][1]
            raise TooManyFailures(
                f"Stage {self.stage.name}: {failed} of {report.rows_in} rows failed (most often {worst}), more than"
                f" max_failure_rate={self.options.max_failure_rate}; see `spatiallake report`, mend the cause, then"
                f" `spatiallake retry --stage {self.stage.name}`."
            )
