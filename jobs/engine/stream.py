"""The one streaming writer: follow new keys upstream, transform them, and write each micro-batch exactly once."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.batches import BatchWriter, StreamOptions, ledger_of
from jobs.engine.lake import Lake
from jobs.engine.ledger import BatchReport
from jobs.engine.stage import Stage
from schemas.operations import QUARANTINE, STAGE_RUNS


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


def run_stage(lake: Lake, stage: Stage, options: StreamOptions) -> StageSummary:
    """Bring the stage's table up to date with its upstream table and return what was done.

    Raises:
        LakeUnreadable: the upstream table does not exist.
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
            # The id belongs to the checkpoint, so that batches of a new checkpoint do not count as committed.
            writer = BatchWriter(stage, ledger_of(lake, stage, query_id.result(timeout=60)), options)
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
