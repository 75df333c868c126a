"""The one streaming writer: follow new keys upstream, transform them, and write each micro-batch exactly once."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from jobs.errors import TooManyFailures
from jobs.lake import Lake
from jobs.stage import Outputs, Stage
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


@dataclass
class StageSummary:
    """What one run of a stage did, over all its micro-batches."""

    stage: str
    rows_in: int = 0
    rows_out: int = 0
    reasons: dict[tuple[str, str], int] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, report: BatchReport) -> None:
        """Add a micro-batch."""
        self.rows_in += report.rows_in
        self.rows_out += report.rows_out
        for reason, count in report.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count


@dataclass(frozen=True)
class StreamOptions:
    """How a stage is run: the failure rate that stops it, and who hears of each micro-batch."""

    max_failure_rate: float = 0.2
    on_batch: Callable[[BatchReport], None] = lambda report: None


def run_stage(lake: Lake, stage: Stage, options: StreamOptions) -> StageSummary:
    """Bring the stage's table up to date with its upstream table and return what was done.

    Raises:
        LakeUnreadable: the upstream table is not there.
        TooManyFailures: more than `max_failure_rate` of a micro-batch's rows failed (they are in quarantine).
    """
    started_at = time.monotonic()
    summary = StageSummary(stage.name)
    lake.read(stage.upstream)
    for table in (stage.target, QUARANTINE, STAGE_RUNS):
        lake.ensure(table)
    keys = lake.stream(stage.upstream, maxFilesPerTrigger=stage.files_per_batch, ignoreDeletes="true")
    if "recipe" in keys.columns:
        keys = keys.where(F.col("recipe") == stage.upstream_recipe)
    query_id: Future[str] = Future()
    failures: list[Exception] = []

    def handle(batch: DataFrame, batch_id: int) -> None:
        try:
            # The id is the checkpoint's own: a new checkpoint must not be mistaken for one already committed.
            writer = BatchWriter(lake, stage, query_id.result(timeout=60), options)
            report = writer.write(batch, batch_id)
        except Exception as error:
            failures.append(error)
            raise
        if report:
            summary.add(report)

    lake.session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(stage.arrow_rows))
    query = (
        keys.select(*stage.keys)
        .writeStream.foreachBatch(handle)
        .option("checkpointLocation", f"{lake.checkpoint_uri}/{stage.name}-{stage.recipe}")
        .trigger(availableNow=True)
        .start()
    )
    query_id.set_result(str(query.id))
    try:
        query.awaitTermination()
    except Exception as error:
        raise (failures[0] if failures else error) from None
    summary.seconds = time.monotonic() - started_at
    return summary


def _outcome_and_reason(reject: Column) -> Column:
    return F.struct(reject["outcome"].alias("outcome"), reject["reason"].alias("reason"))


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
        keys = self._unseen(keys).persist()
        shards: dict[int, int] = {row[0]: row[1] for row in keys.groupBy("ingest_shard").count().collect()}
        if not shards:
            keys.unpersist()
            return None
        transformed = self.stage.transform(self.stage.read(self.lake, keys, sorted(shards)))
        transformed = transformed.persist(StorageLevel.MEMORY_AND_DISK)
        try:
            outputs = self.stage.outputs(self.lake, transformed)
            report = self._count(transformed, outputs, sum(shards.values()), started_at)
            app_id = f"spatiallake:{self.stage.name}:{self.generation}"
            self.lake.append(STAGE_RUNS, self._run_row(report, batch_id), app_id, batch_id)
            if report.reasons:
                rejects = outputs.rejects.withColumn("attempt", F.lit(self.attempt))
                self.lake.append(QUARANTINE, rejects, app_id, batch_id)
            for table, rows in outputs.sides:
                self.lake.append(table, rows, app_id, batch_id)
            # The stage's own rows come last: until they are there, a restart computes all of the above anew.
            if self.stage.replaces_shards:
                self.lake.replace_shards(self.stage.target, outputs.rows, app_id, batch_id, sorted(shards))
            else:
                self.lake.append(self.stage.target, outputs.rows, app_id, batch_id)
        finally:
            transformed.unpersist()
            keys.unpersist()
        self.options.on_batch(report)
        self._check_failures(report)
        return report

    def _unseen(self, keys: DataFrame) -> DataFrame:
        """Leave out keys that an earlier checkpoint of the same recipe has dealt with."""
        if self.stage.replaces_shards:
            return keys
        runs = self.lake.read(STAGE_RUNS).where(
            (F.col("stage") == self.stage.name)
            & (F.col("recipe") == self.stage.recipe)
            & (F.col("generation") != self.generation)
        )
        if runs.isEmpty():
            return keys
        key = self.stage.keys[0]
        done = self.lake.read(self.stage.done or self.stage.target)
        if "recipe" in done.columns:
            done = done.where(F.col("recipe") == self.stage.recipe)
        return keys.join(done.select(key).distinct(), key, "left_anti")

    def _count(self, transformed: DataFrame, outputs: Outputs, rows_in: int, started_at: float) -> BatchReport:
        # A row may have several rejects of one reason; it counts once. A row without any is the null group.
        rejects = F.array_distinct(F.transform("rejects", _outcome_and_reason))
        counted = transformed.select(F.explode_outer(rejects).alias("r")).groupBy("r.outcome", "r.reason").count()
        reasons = {(row[0], row[1]): row[2] for row in counted.collect()}
        sound = reasons.pop((None, None), 0)
        rows_out = sound if self.stage.split is None else outputs.rows.count()
        return BatchReport(self.stage.name, rows_in, rows_out, reasons, time.monotonic() - started_at)

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
