"""Transforms one micro-batch of a stage and commits it exactly once, with its rejects and statistics."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.errors import TooManyFailures
from jobs.engine.lake import Lake
from jobs.engine.ledger import BatchReport, Ledger
from jobs.engine.stage import Stage
from jobs.engine.writing import MicroBatch, NewKeys

_RATE_NEEDS_ROWS = 50


@dataclass(frozen=True)
class StreamOptions:
    """How a stage runs: the failure rate that stops it, and what is called after each micro-batch.

    `on_rows` is called with the number of rows to work on, where that is known, and `on_begun` within a micro-batch
    with the number of further rows that are being worked on.
    """

    max_failure_rate: float = 0.2
    on_batch: Callable[[BatchReport], None] = lambda report: None
    on_rows: Callable[[int], None] = lambda rows: None
    on_begun: Callable[[int], None] = lambda rows: None


@dataclass(frozen=True)
class BatchWriter:
    """Writes micro-batches of one stage with the stage's write strategy."""

    stage: Stage
    ledger: Ledger
    options: StreamOptions

    def write(self, keys: DataFrame, batch_id: int) -> BatchReport | None:
        """Transform and write one micro-batch; commits of an earlier attempt are not repeated."""
        started_at = time.monotonic()
        # A checkpoint, since Spark computes a cached plan again when one of its tables is written.
        keys = keys.localCheckpoint()
        shards = _by_shard(keys)
        if not shards:
            return None
        upstream = followed(self.ledger.lake, self.stage)
        fresh = self.stage.writing.unseen(NewKeys(self.ledger, batch_id, keys, sorted(shards), upstream))
        if fresh is not keys:
            keys = fresh.localCheckpoint()
            shards = _by_shard(keys)
        if not shards:
            return None
        lake, places = self.ledger.lake, sorted(shards)
        stage = self.stage.prepared(lake)
        batch = MicroBatch(
            ledger=self.ledger,
            batch_id=batch_id,
            keys=keys,
            shards=places,
            rows_in=sum(shards.values()),
            started_at=started_at,
            transform=lambda some: stage.transformed(lake, some, places),
            split=lambda transformed: stage.outputs(lake, transformed),
            warnings=stage.warnings if stage.rules else None,
        )
        report = stage.writing.write(batch)
        self.options.on_batch(report)
        require_few_failures(report, self.options.max_failure_rate)
        return report


def require_few_failures(report: BatchReport, max_failure_rate: float) -> None:
    """Stop where too many rows of a micro-batch failed.

    Raises:
        TooManyFailures: the message says how many, and the most frequent reason.
    """
    failed = report.rejected("failed")
    if report.rows_in >= _RATE_NEEDS_ROWS and failed > max_failure_rate * report.rows_in:
        reasons = {reason: count for (outcome, reason), count in report.reasons.items() if outcome == "failed"}
        worst = max(reasons, key=lambda reason: reasons[reason])
        raise TooManyFailures(
            f"Stage {report.stage}: {failed} of {report.rows_in} rows failed as a whole or in a part (most often"
            f" {worst}), more than max_failure_rate={max_failure_rate}; see"
            f" `spatiallake report`, fix the cause, then `spatiallake retry --stage {report.stage}`."
        )


def ledger_of(lake: Lake, stage: Stage, generation: str, attempt: int = 1, revisits: bool = False) -> Ledger:
    """Return the ledger of a stage's recipe in a lake."""
    return Ledger(
        lake=lake,
        stage=stage.name,
        recipe=stage.recipe,
        target=stage.target,
        key=stage.keys[0],
        generation=generation,
        attempt=attempt,
        revisits=revisits,
        device=stage.device,
    )


def followed(lake: Lake, stage: Stage) -> DataFrame:
    """Return the upstream rows that a stage follows: those of one recipe, where the table has recipes."""
    rows = lake.read(stage.upstream)
    return rows.where(F.col("recipe") == stage.upstream_recipe) if "recipe" in rows.columns else rows


def _by_shard(keys: DataFrame) -> dict[int, int]:
    return {row[0]: row[1] for row in keys.groupBy("ingest_shard").count().collect()}
