"""Strategies of writing on a real lake: what is committed in which order, and what is never dealt with twice."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.engine.batches import BatchWriter, StreamOptions, ledger_of
from jobs.engine.going_live import progress_of
from jobs.engine.lake import Lake
from jobs.engine.ledger import BatchReport
from jobs.engine.stage import Stage
from jobs.engine.writing import Append, AppendBulk, AppendOncePerKey, ReplaceShards
from jobs.views.reader import LakeReader
from schemas.operations import QUARANTINE, STAGE_RUNS
from tests.jobs.doubled import TARGET, UPSTREAM, found, numbers, stage_with


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    for table in (UPSTREAM, TARGET, QUARANTINE, STAGE_RUNS):
        lake.ensure(table)
    return lake


def _rows_in(report: BatchReport | None) -> int:
    return report.rows_in if report else 0


def write(lake: Lake, stage: Stage, keys: DataFrame, batch_id: int = 0, generation: str = "first") -> int:
    report = BatchWriter(stage, ledger_of(lake, stage, generation), StreamOptions()).write(keys, batch_id)
    return _rows_in(report)


def refuse_rows(lake: Lake) -> None:
    lake.session.sql(f"ALTER TABLE delta.`{lake.location(TARGET)}` ADD CONSTRAINT closed CHECK (number < 0)")


def allow_rows(lake: Lake) -> None:
    lake.session.sql(f"ALTER TABLE delta.`{lake.location(TARGET)}` DROP CONSTRAINT closed")


def test_appended_rows_come_last_and_a_restart_completes_them_once(lake: Lake) -> None:
    stage, keys = stage_with(Append()), numbers(lake, {"a": 1, "b": -1, "c": 3})
    refuse_rows(lake)
    with pytest.raises(Exception, match="closed"):
        write(lake, stage, keys)
    assert found(lake) == [] and found(lake, QUARANTINE) == [("b", "unexpected_error")]
    assert lake.read(STAGE_RUNS).count() == 1
    allow_rows(lake)
    write(lake, stage, keys)
    assert found(lake) == [("a", 2), ("c", 6)]
    assert found(lake, QUARANTINE) == [("b", "unexpected_error")] and lake.read(STAGE_RUNS).count() == 1


def test_bulk_rows_come_first_and_a_restart_finds_what_was_left_out(lake: Lake) -> None:
    stage, keys = stage_with(AppendBulk(), copies=2), numbers(lake, {"a": 1, "b": -1})
    refuse_rows(lake)
    with pytest.raises(Exception, match="closed"):
        write(lake, stage, keys)
    assert lake.read(QUARANTINE).count() == lake.read(STAGE_RUNS).count() == 0
    allow_rows(lake)
    write(lake, stage, keys)
    write(lake, stage, keys)
    assert found(lake) == [("a", 2), ("a", 2)] and found(lake, QUARANTINE) == [("b", "unexpected_error")]
    (run,) = lake.read(STAGE_RUNS).collect()
    assert (run["rows_in"], run["rows_out"], run["failed"]) == (2, 2, 1)


@pytest.mark.parametrize("writing", [Append(), AppendBulk()])
def test_a_new_checkpoint_repeats_neither_rows_nor_rejects(lake: Lake, writing: Append) -> None:
    stage, keys = stage_with(writing), numbers(lake, {"a": 1, "b": -1})
    assert write(lake, stage, keys) == 2
    more = numbers(lake, {"c": 4}, version=1)
    assert write(lake, stage, keys.union(more), generation="second") == 1
    assert found(lake) == [("a", 2), ("c", 8)] and found(lake, QUARANTINE) == [("b", "unexpected_error")]


def test_a_key_of_several_rows_is_dealt_with_once_whichever_micro_batch_it_comes_in(lake: Lake) -> None:
    stage = stage_with(AppendOncePerKey())
    keys = numbers(lake, {"a": 1, "b": -1})
    assert write(lake, stage, keys.union(keys), batch_id=0) == 2
    assert write(lake, stage, keys, batch_id=1) == 0
    assert found(lake) == [("a", 2)] and found(lake, QUARANTINE) == [("b", "unexpected_error")]


def test_replaced_shards_hold_what_is_upstream_now_and_other_shards_stay(lake: Lake) -> None:
    stage = stage_with(ReplaceShards())
    write(lake, stage, numbers(lake, {"a": 1}, shard=1), batch_id=0)
    write(lake, stage, numbers(lake, {"z": 9}, shard=2), batch_id=1)
    write(lake, stage, numbers(lake, {"b": 2}, shard=1, version=1), batch_id=2)
    assert found(lake) == [("a", 2), ("b", 4), ("z", 18)]
    write(lake, stage, numbers(lake, {}, shard=1, version=2), batch_id=2)
    assert found(lake) == [("a", 2), ("b", 4), ("z", 18)]


def test_a_backfill_computes_only_shards_that_have_grown(lake: Lake) -> None:
    stage = stage_with(ReplaceShards(counted="number"))
    # The doubled numbers of a shard add up to 2, its upstream rows.
    keys = numbers(lake, {"a": 1, "b": 0}, shard=1).union(numbers(lake, {"y": 0, "z": 1}, shard=2))
    ledger = ledger_of(lake, stage, "backfill", revisits=True)
    writer = BatchWriter(stage, ledger, StreamOptions())
    assert _rows_in(writer.write(keys, 0)) == 4
    assert _rows_in(writer.write(keys, 1)) == 0
    more = numbers(lake, {"c": 1}, shard=1, version=1)
    assert _rows_in(writer.write(keys.union(more), 2)) == 3
    assert found(lake) == [("a", 2), ("b", 0), ("c", 2), ("y", 0), ("z", 2)]


@pytest.mark.parametrize(
    ("writing", "before", "after"),
    [(Append(), (3, 4), (4, 4)), (ReplaceShards(), (1, 2), (2, 2)), (ReplaceShards(counted="number"), (6, 4), (14, 4))],
)
def test_progress_counts_rows_and_rejects(
    lake: Lake, writing: Append, before: tuple[int, int], after: tuple[int, int]
) -> None:
    stage = stage_with(writing)
    first = numbers(lake, {"a": 1, "b": -1, "c": 2}, shard=1)
    second = numbers(lake, {"d": 4}, shard=2)
    for keys, batch_id, expected in ((first, 0, before), (second, 1, after)):
        write(lake, stage, keys, batch_id)
        progress = progress_of(LakeReader(lake.uri), stage.definition, stage.recipe, "up")
        assert (progress.dealt, progress.total) == expected
