"""Takes back micro-batches of which only a part is in the tables, so that they are made again as a whole.

A micro-batch commits to several tables. If its command is killed in between, Spark's checkpoint makes the next run
repeat it, and Delta ignores what was committed. Where nothing will repeat it, since the checkpoint or a log entry was
lost, or a backfill was killed, its rows are removed from the tables that have them. Then its keys are like new ones.
"""

from delta.tables import DeltaTable
from pyspark.sql import functions as F

from jobs.engine import commits
from jobs.engine.checkpoints import checkpoint_name, checkpoint_of, checkpoints_of
from jobs.engine.delta_log import Commits, commits_of, is_plain, matching_rows, opened, transaction_version
from jobs.engine.lake import Lake
from jobs.engine.ledger import application
from jobs.engine.stage import Stage
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import Table


def recover(lake: Lake, stage: Stage, streaming: bool) -> None:
    """Take back the stage's micro-batches that are half in the tables and that no checkpoint will repeat.

    With `streaming`, the stage is about to follow its checkpoint, which was read before if it is there; then only that
    checkpoint's own micro-batches are looked at, which costs little.
    """
    kept = checkpoints_of(lake, stage.name)
    own = kept.get(checkpoint_name(stage))
    if streaming and own is not None:
        applications = {application(stage.name, own.generation)}
    else:
        prefix = application(stage.name, "")
        applications = {name for table in stage.committed for name in commits_of(lake.location(table), prefix)}
    last = {application(stage.name, one.generation): one.last for one in kept.values()}
    for name in sorted(applications):
        take_back_half_done(lake, stage, name, last.get(name))


def take_back_half_done(lake: Lake, stage: Stage, name: str, last: int | None = None) -> None:
    """Take back the micro-batches of an application that are half in the tables, up to the `last` one.

    Later ones than the last of a checkpoint are repeated by it.
    """
    first, until = _half_done(lake, stage, name)
    until = until if last is None else min(until, last)
    if first <= until:
        _take_back(lake, stage, name, range(first, until + 1))


def lacks_rows(lake: Lake, stage: Stage) -> bool:
    """Return whether a table lacks rows of a micro-batch that the stage's checkpoint takes for done."""
    own = checkpoint_of(lake, stage)
    if own is None:
        return False
    first, last = _half_done(lake, stage, application(stage.name, own.generation))
    return first <= min(last, own.last)


def _half_done(lake: Lake, stage: Stage, name: str) -> tuple[int, int]:
    """Return the first and the last micro-batch of an application that are not in all tables; none if first > last."""
    versions = {table.name: transaction_version(lake.location(table), name) for table in stage.committed}
    last = max(versions.values())
    rejected = versions.pop(QUARANTINE.name)
    first = min(versions.values()) + 1
    if rejected < last:
        first = min([first, *(batch for batch in _with_rejects(lake, stage, name) if rejected < batch)])
    return first, last


def _with_rejects(lake: Lake, stage: Stage, name: str) -> list[int]:
    """Return the micro-batches of an application that rejected something, by their accounts."""
    if not lake.exists(STAGE_RUNS):
        return []
    wanted = {"stage": stage.name, "generation": name.removeprefix(application(stage.name, ""))}
    columns = ["failed", "filtered", "refused"]
    runs = matching_rows(lake.location(STAGE_RUNS), wanted, ["batch_id", *columns])
    return [run["batch_id"] for run in runs if any(run[column] for column in columns)]


def _take_back(lake: Lake, stage: Stage, name: str, batches: range) -> None:
    generation = name.removeprefix(application(stage.name, ""))
    for table in stage.committed[:-1]:
        if lake.exists(table):
            made: Commits = commits_of(lake.location(table), name).get(name, {})
            _remove(lake, table, [file for batch in batches for file in made.get(batch, [])])
    if _removes_itself(lake, STAGE_RUNS):
        import pyarrow.dataset as ds  # it imports pandas, which few commands need

        runs = (ds.field("stage") == stage.name) & (ds.field("generation") == generation)
        among = (ds.field("batch_id") >= batches.start) & (ds.field("batch_id") < batches.stop)
        commits.delete(lake.location(STAGE_RUNS), STAGE_RUNS, runs & among)
    elif lake.exists(STAGE_RUNS):
        runs = (F.col("stage") == stage.name) & (F.col("generation") == generation)
        among = F.col("batch_id").between(batches.start, batches.stop - 1)
        DeltaTable.forPath(lake.session, lake.location(STAGE_RUNS)).delete(runs & among)
    for table in stage.committed:
        if transaction_version(lake.location(table), name) < batches.stop - 1:
            # Nothing of it is left: for every table alike, it is settled.
            lake.ensure(table)
            lake.append_records(table, [], name, batches.stop - 1)


def _removes_itself(lake: Lake, table: Table) -> bool:
    """Return whether rows are removed without Spark, which knows how to where some are marked as deleted already."""
    held = opened(lake.location(table)) if lake.commits_itself else None
    return held is not None and is_plain(held)


def _remove(lake: Lake, table: Table, files: list[str]) -> None:
    """Remove the rows of files from a table, where those files are still part of it."""
    if _removes_itself(lake, table):
        commits.remove_files(lake.location(table), files)
        return
    if not files:
        return
    columns = [*table.key, *(["ingest_shard"] if "ingest_shard" in table.columns else [])]
    rows = lake.read(table).where(F.col("_metadata.file_name").isin(files)).select(*dict.fromkeys(columns)).distinct()
    rows = rows.localCheckpoint()
    if rows.isEmpty():
        return
    same = " AND ".join(f"old.{column} <=> gone.{column}" for column in rows.columns)
    target = DeltaTable.forPath(lake.session, lake.location(table)).alias("old")
    target.merge(rows.alias("gone"), same).whenMatchedDelete().execute()
