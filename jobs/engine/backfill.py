"""Backfill and retry: write the rows that a stage lacks after a threshold, a recipe or a cause of failure changed."""

from collections.abc import Callable
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.batches import BatchWriter, StreamOptions, ledger_of
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary
from jobs.engine.writing import Outputs
from schemas.operations import QUARANTINE, STAGE_RUNS

_SHARDS_PER_BATCH = 8


def backfill(lake: Lake, stage: Stage, options: StreamOptions) -> StageSummary:
    """Write the rows that the stage's table lacks for its upstream rows, except those that failed."""
    keys = lake.read(stage.upstream)
    if "recipe" in keys.columns:
        keys = keys.where(F.col("recipe") == stage.upstream_recipe)
    key = stage.keys[0]
    failed = _quarantined(lake, stage).where("outcome = 'failed'").select(key).distinct()
    keys = keys.select(*stage.keys).join(failed, key, "left_anti")
    return _run(lake, replace(stage, split=_without_known_rejects(stage)), keys, options, "backfill", attempt=1)


def retry(lake: Lake, stage: Stage, options: StreamOptions) -> StageSummary:
    """Try the stage's failed rows again; those that fail again are quarantined with the next attempt number."""
    failed = _quarantined(lake, stage).where("outcome = 'failed'")
    attempt = (failed.agg(F.max("attempt")).collect()[0][0] or 0) + 1
    keys = failed.select(*stage.keys).where(F.col(stage.keys[0]).isNotNull()).distinct()
    return _run(lake, stage, keys, options, "retry", attempt)


def _run(lake: Lake, stage: Stage, keys: DataFrame, options: StreamOptions, kind: str, attempt: int) -> StageSummary:
    for table in (stage.target, QUARANTINE, STAGE_RUNS):
        lake.ensure(table)
    summary = StageSummary(stage.name)
    lake.session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(stage.arrow_rows))
    keys = keys.localCheckpoint()
    shards = sorted(row[0] for row in keys.select("ingest_shard").distinct().collect())
    for start in range(0, len(shards), _SHARDS_PER_BATCH):
        some = keys.where(F.col("ingest_shard").isin(shards[start : start + _SHARDS_PER_BATCH]))
        # Named by the versions that it starts from: a batch killed before its commit is written again under the same
        # name.
        start_of = f"{lake.version(stage.upstream)}-{lake.version(stage.target)}"
        generation = f"{kind}-{attempt}-{stage.recipe}-{start_of}"
        ledger = ledger_of(lake, stage, generation, attempt, revisits=kind == "backfill")
        report = BatchWriter(stage, ledger, options).write(some, start)
        if report:
            summary.add(report)
            summary.seconds += report.seconds
    return summary


def _quarantined(lake: Lake, stage: Stage) -> DataFrame:
    lake.ensure(QUARANTINE)
    return lake.read(QUARANTINE).where((F.col("stage") == stage.name) & (F.col("recipe") == stage.recipe))


def _without_known_rejects(stage: Stage) -> Callable[[Stage, Lake, DataFrame], Outputs]:
    key = stage.keys[0]

    def split(_: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
        outputs = stage.outputs(lake, transformed)
        known = _quarantined(lake, stage).select(key, "reason").distinct()
        return replace(outputs, rejects=outputs.rejects.join(known, [key, "reason"], "left_anti"))

    return split
