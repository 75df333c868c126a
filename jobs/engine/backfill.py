"""Backfill, retry and catch-up: the rows that a stage lacks after a threshold, a recipe or a cause of failure changed.

A catch-up makes what a stream has passed and no table has, such as rows whose log entry was lost.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.batches import BatchWriter, StreamOptions, followed, ledger_of
from jobs.engine.joining import ARROW_ROWS, try_set
from jobs.engine.lake import Lake
from jobs.engine.recovery import recover
from jobs.engine.selection import SELECTED_FROM, Selection, selected_images, selected_sql
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary
from jobs.engine.writing import Outputs, ReplaceShards
from jobs.views.reader import LakeReader
from schemas.operations import QUARANTINE


def backfill(lake: Lake, stage: Stage, options: StreamOptions, selection: Selection | None = None) -> StageSummary:
    """Write the rows that the stage's table lacks for its upstream rows, except those that failed.

    With a selection, other images are left as they are.
    """
    recover(lake, stage, streaming=False)
    lake.ensure(QUARANTINE)
    keys = _to_fill(lake, stage, selection)
    return _run(lake, replace(stage, split=_without_known_rejects(stage)), keys, options, "backfill", attempt=1)


def retry(lake: Lake, stage: Stage, options: StreamOptions) -> StageSummary:
    """Try the stage's failed rows again; those that fail again are quarantined with the next attempt number."""
    recover(lake, stage, streaming=False)
    lake.ensure(QUARANTINE)
    failed = _quarantined(lake, stage).where("outcome = 'failed'")
    attempt = (failed.agg(F.max("attempt")).collect()[0][0] or 0) + 1
    keys = failed.select(*stage.keys).where(F.col(stage.keys[0]).isNotNull()).distinct()
    return _run(lake, stage, keys, options, "retry", attempt)


def catch_up(lake: Lake, stage: Stage, options: StreamOptions) -> StageSummary:
    """Deal with the upstream rows that have neither a row nor a reject, which the stage's stream has passed."""
    recover(lake, stage, streaming=False)
    return _run(lake, stage, followed(lake, stage).select(*stage.keys), options, "catch_up", attempt=1)


def lacking(lake: Lake, stage: Stage, selection: Selection | None = None) -> int:
    """Return for how many upstream keys a backfill would make rows; nothing is written."""
    if not lake.exists(stage.upstream) or isinstance(stage.writing, ReplaceShards):
        return 0
    key, done = stage.keys[0], stage.writing.done or stage.target
    keys = _to_fill(lake, stage, selection).select(key).distinct()
    if lake.exists(done):
        rows = lake.read(done)
        rows = rows.where(F.col("recipe") == stage.recipe) if "recipe" in rows.columns else rows
        keys = keys.join(rows.select(key).distinct(), key, "left_anti")
    return keys.count()


def lacking_without_spark(lake: LakeReader, stage: Stage, selection: Selection | None = None) -> int:
    """Return what `lacking` does, for a selection without `where`, which is SQL of Spark."""
    if not lake.exists(stage.upstream) or isinstance(stage.writing, ReplaceShards):
        return 0
    key, done, tables = stage.keys[0], stage.writing.done or stage.target, {stage.upstream.name: stage.upstream}
    query = f"SELECT DISTINCT u.{key} FROM {{{stage.upstream.name}}} AS u"
    if selection is not None and not selection.is_everything:
        query += f" LEFT SEMI JOIN ({selected_sql(lake, selection)}) AS s ON u.image_id = s.image_id"
        tables |= {table.name: table for table in SELECTED_FROM}
    if "recipe" in lake.columns(stage.upstream.name):
        query += f" WHERE u.recipe = '{stage.upstream_recipe}'"
    query = f"SELECT count(*) AS n FROM ({query}) AS k"
    if lake.exists(QUARANTINE):
        own = f"stage = '{stage.name}' AND recipe = '{stage.recipe}' AND outcome = 'failed'"
        query += f" LEFT ANTI JOIN (SELECT {key} FROM {{{QUARANTINE.name}}} WHERE {own}) AS f ON k.{key} = f.{key}"
        tables[QUARANTINE.name] = QUARANTINE
    if lake.exists(done):
        made = f" WHERE recipe = '{stage.recipe}'" if "recipe" in lake.columns(done.name) else ""
        query += f" LEFT ANTI JOIN (SELECT {key} FROM {{{done.name}}}{made}) AS d ON k.{key} = d.{key}"
        tables[done.name] = done
    return lake.count(query, list(tables.values()))["n"]


def _to_fill(lake: Lake, stage: Stage, selection: Selection | None) -> DataFrame:
    """Return the keys of the stage's upstream rows, without those that failed and those outside the selection."""
    key, keys = stage.keys[0], followed(lake, stage).select(*stage.keys)
    if lake.exists(QUARANTINE):
        failed = _quarantined(lake, stage).where("outcome = 'failed'").select(key).distinct()
        keys = keys.join(failed, key, "left_anti")
    # Aggregates are of whole shards, so a part of their images would not do.
    if selection is None or selection.is_everything or isinstance(stage.writing, ReplaceShards):
        return keys
    return keys.join(selected_images(lake, selection), "image_id", "left_semi")


def _run(lake: Lake, stage: Stage, keys: DataFrame, options: StreamOptions, kind: str, attempt: int) -> StageSummary:
    for table in stage.committed:
        lake.ensure(table)
    summary = StageSummary(stage.name)
    try_set(lake.session, ARROW_ROWS, str(stage.arrow_rows))
    keys = keys.localCheckpoint()
    per_shard = {row[0]: row[1] for row in keys.groupBy("ingest_shard").count().collect()}
    shards = sorted(per_shard)
    options.on_rows(sum(per_shard.values()))
    # A name of its own for every run: what a killed one left half-done is taken back and made again.
    ledger = ledger_of(lake, stage, f"{kind}-{attempt}-{uuid4()}", attempt, revisits=kind == "backfill")
    for batch_id, start in enumerate(range(0, len(shards), stage.shards_per_batch)):
        some = keys.where(F.col("ingest_shard").isin(shards[start : start + stage.shards_per_batch]))
        report = BatchWriter(stage, ledger, options).write(some, batch_id)
        if report:
            summary.add(report)
            summary.seconds += report.seconds
    return summary


def _quarantined(lake: Lake, stage: Stage) -> DataFrame:
    return lake.read(QUARANTINE).where((F.col("stage") == stage.name) & (F.col("recipe") == stage.recipe))


def _without_known_rejects(stage: Stage) -> Callable[[Stage, Lake, DataFrame], Outputs]:
    key = stage.keys[0]

    def split(_: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
        outputs = stage.outputs(lake, transformed)
        known = _quarantined(lake, stage).select(key, "reason").distinct()
        return replace(outputs, rejects=outputs.rejects.join(known, [key, "reason"], "left_anti"))

    return split
