"""The one streaming writer: follow new keys upstream, transform them, and write each micro-batch exactly once."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.accidents import accident_of
from jobs.engine.batches import BatchWriter, StreamOptions, ledger_of
from jobs.engine.checkpoints import checkpoint_location, has_read_all
from jobs.engine.joining import ARROW_ROWS, try_set
from jobs.engine.lake import Lake
from jobs.engine.ledger import BatchReport
from jobs.engine.recovery import recover
from jobs.engine.stage import Stage


@dataclass
class StageSummary:
    """What one run of a stage did, over all its micro-batches."""

    stage: str
    rows_in: int = 0
    rows_out: int = 0
    reasons: dict[tuple[str, str], int] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, report: "BatchReport | StageSummary") -> None:
        """Add a micro-batch, or several."""
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
    for table in stage.committed:
        lake.ensure(table)
    recover(lake, stage, streaming=True)
    if has_read_all(lake, stage):
        summary.seconds = time.monotonic() - started_at
        return summary
    try_set(lake.session, ARROW_ROWS, str(stage.arrow_rows))
    try:
        _follow(lake, stage, options, summary)
    except _StreamUnusable:
        # The checkpoint is torn, or refers to log entries that are lost. Without it, all keys upstream are looked at,
        # and those that have rows or rejects are left out.
        lake.remove(checkpoint_location(lake, stage))
        recover(lake, stage, streaming=True)
        try:
            _follow(lake, stage, options, summary)
        except _StreamUnusable as error:
            raise error.cause from None
    summary.seconds = time.monotonic() - started_at
    return summary


class _StreamUnusable(Exception):
    """A stream that failed on its own, not in a micro-batch."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _follow(lake: Lake, stage: Stage, options: StreamOptions, summary: StageSummary) -> None:
    # Rows that a recovery takes back are made again under the same keys: a change of a file brings no new key.
    keys = lake.stream(stage.upstream, maxFilesPerTrigger=stage.files_per_batch, skipChangeCommits="true")
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

    writer = keys.select(*stage.keys).writeStream.foreachBatch(handle).trigger(availableNow=True)
    try:
        query = writer.option("checkpointLocation", checkpoint_location(lake, stage)).start()
        query_id.set_result(str(query.id))
        query.awaitTermination()
    except Exception as error:
        if failures:
            raise failures[0] from None
        if accident_of(error):
            raise
        raise _StreamUnusable(error) from None
