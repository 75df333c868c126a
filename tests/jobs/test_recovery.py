"""Nothing is lost or doubled where a checkpoint, a log entry or half of a micro-batch is gone."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from benchmarks.kills import write_damaged_crawl
from benchmarks.same_rows import COMPARED, differences, rows_of
from jobs.engine.batches import StreamOptions
from jobs.engine.errors import LakeUnreadable
from jobs.engine.lake import Lake
from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import retry_stages, run
from jobs.engine.settings import RunSettings, load_settings
from jobs.engine.stream import run_stage
from jobs.engine.writing import Append, AppendBulk
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import Table
from tests.jobs.doubled import TARGET, UPSTREAM, found, numbers, stage_with
from tests.jobs.engine import versions


class Killed(Exception):
    pass


@dataclass(frozen=True)
class Fragile(Lake):
    """A lake on which a command ends just before one of its commits."""

    before: str = ""
    seen: list[str] = field(default_factory=list)

    def append(self, table: Table, rows: DataFrame, app_id: str, version: int, is_small: bool = False) -> None:
        self._end_before(table, app_id)
        super().append(table, rows, app_id, version, is_small)

    def append_records(self, table: Table, records: Sequence[Mapping[str, Any]], app_id: str, version: int) -> None:
        self._end_before(table, app_id)
        super().append_records(table, records, app_id, version)

    def _end_before(self, table: Table, app_id: str) -> None:
        self.seen.append(table.name)
        if table.name == self.before and app_id.startswith("spatiallake:"):
            raise Killed(table.name)


def opened(spark: SparkSession, folder: Path) -> Lake:
    # Spark's cache of logs belongs to the process that the command would have been.
    java: Any = spark._jvm
    java.org.apache.spark.sql.delta.DeltaLog.clearCache()
    return Lake(spark, str(folder), str(folder / "_checkpoints"))


def settings_of(lake: Path, **flags: str) -> RunSettings:
    return load_settings({"lake": str(lake), **flags}, None, [], remembered_settings(str(lake)))


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    write_damaged_crawl(folder, rooms=8, seed=3)
    return folder


@pytest.fixture(scope="module")
def whole(spark: SparkSession, crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unharmed lake, whose `quarantine` has rejected images and a rejected part of one."""
    folder = tmp_path_factory.mktemp("lake")
    run(settings_of(folder, crawl=str(crawl), experts="sensor"), lake=opened(spark, folder))
    run(settings_of(folder), ["examples"], lake=opened(spark, folder))
    assert sum(rows_of(folder, "quarantine").values()) >= 2
    # Rooms are no sequences.
    lacking = {name for name in COMPARED if not rows_of(folder, name)}
    assert lacking == {"rewards", "fused_frames", "fused_scenes", "sequence_qa_pairs"}
    return folder


@pytest.fixture
def lake(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "lake"))


def last_entry(lake: Path, name: str) -> Path:
    return max((lake / name / "_delta_log").glob("0*.json"))


def test_without_any_checkpoint_no_table_changes(spark: SparkSession, crawl: Path, lake: Path) -> None:
    before = versions(lake)
    shutil.rmtree(lake / "_checkpoints")
    run(settings_of(lake, crawl=str(crawl)), lake=opened(spark, lake))
    run(settings_of(lake), ["examples"], lake=opened(spark, lake))
    assert versions(lake) == before


def test_rows_of_lost_log_entries_are_made_again(spark: SparkSession, crawl: Path, whole: Path, lake: Path) -> None:
    lost = ("images", "provenance", "regions", "qa_pairs", "qa_statistics")
    for name in lost:
        last_entry(lake, name).unlink()
    assert {line.partition(":")[0] for line in differences(whole, lake)} == set(lost)
    torn = last_entry(lake, "references")
    torn.write_bytes(torn.read_bytes()[:300])
    with pytest.raises(LakeUnreadable, match="table references") as failure:
        run(settings_of(lake, crawl=str(crawl)), lake=opened(spark, lake))
    named = re.search(r"delete the file (\S+),", str(failure.value))
    assert named is not None
    Path(named[1]).unlink()
    with pytest.raises(LakeUnreadable, match=r"Table images of .* has lost a log entry.*spatiallake run --lake"):
        run(settings_of(lake), ["examples"], lake=opened(spark, lake))
    run(settings_of(lake, crawl=str(crawl)), lake=opened(spark, lake))
    run(settings_of(lake), ["examples"], lake=opened(spark, lake))
    assert differences(whole, lake) == []


@pytest.mark.long
def test_lost_accounts_and_reasons_are_made_again(spark: SparkSession, crawl: Path, whole: Path, lake: Path) -> None:
    for name in ("crawl", "quarantine", "stage_runs", "training_examples"):
        last_entry(lake, name).unlink()
    with pytest.raises(LakeUnreadable, match=r"Table crawl of .* has lost \d+ entries.*--crawl CRAWL"):
        run(settings_of(lake), lake=opened(spark, lake))
    run(settings_of(lake, crawl=str(crawl)), lake=opened(spark, lake))
    run(settings_of(lake), ["examples"], lake=opened(spark, lake))
    assert differences(whole, lake) == []


@pytest.fixture
def toys(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path / "toys"), str(tmp_path / "toys" / "_checkpoints"))
    for table in (UPSTREAM, TARGET, QUARANTINE, STAGE_RUNS):
        lake.ensure(table)
    numbers(lake, {"a": 1, "b": -1, "c": 3})
    return lake


def fragile(lake: Lake, before: Table) -> Fragile:
    return Fragile(lake.session, lake.uri, lake.checkpoint_uri, before.name)


@pytest.mark.parametrize(
    ("writing", "before", "keep"),
    [
        (Append(), QUARANTINE, True),
        (Append(), TARGET, False),
        (AppendBulk(), QUARANTINE, False),
        (AppendBulk(), STAGE_RUNS, True),
        pytest.param(Append(), QUARANTINE, False, marks=pytest.mark.long),
        pytest.param(Append(), TARGET, True, marks=pytest.mark.long),
        pytest.param(AppendBulk(), QUARANTINE, True, marks=pytest.mark.long),
        pytest.param(AppendBulk(), STAGE_RUNS, False, marks=pytest.mark.long),
    ],
)
def test_a_micro_batch_that_was_cut_in_half_is_made_once(
    toys: Lake, writing: Append, before: Table, keep: bool
) -> None:
    stage = stage_with(writing, copies=2 if isinstance(writing, AppendBulk) else 1)
    with pytest.raises(Killed):
        run_stage(fragile(toys, before), stage, StreamOptions())
    if not keep:
        shutil.rmtree(toys.checkpoint_uri)
    run_stage(toys, stage, StreamOptions())
    rows = [("a", 2), ("c", 6)]
    assert found(toys) == sorted(rows * 2 if isinstance(writing, AppendBulk) else rows)
    assert found(toys, QUARANTINE) == [("b", "unexpected_error")]
    (account,) = toys.read(STAGE_RUNS).collect()
    assert (account["rows_in"], account["rows_out"], account["failed"]) == (3, len(found(toys)), 1)


def test_an_image_that_only_half_of_ingest_has_is_ingested(
    spark: SparkSession, crawl: Path, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    settings: Any = settings_of(folder, crawl=str(crawl), experts="sensor")
    half = Fragile(spark, str(folder), str(folder / "_checkpoints"), "images")
    with pytest.raises(Killed):
        run(settings, ["ingest"], lake=half)
    assert rows_of(folder, "provenance") and not rows_of(folder, "images")
    shutil.rmtree(folder / "_checkpoints")
    run(settings, ["ingest"], lake=opened(spark, folder))
    for name in ("crawl", "images", "provenance"):
        assert rows_of(folder, name) == rows_of(whole, name)
    ingest = {key: count for key, count in rows_of(whole, "stage_runs").items() if key.startswith("ingest ")}
    assert rows_of(folder, "stage_runs") == ingest


def test_a_retry_that_was_cut_in_half_is_one_attempt(spark: SparkSession, lake: Path) -> None:
    first = rows_of(lake, "quarantine")
    half = Fragile(spark, str(lake), str(lake / "_checkpoints"), "provenance")
    with pytest.raises(Killed):
        retry_stages(settings_of(lake), "ingest", lake=half)
    assert sum(rows_of(lake, "quarantine").values()) > sum(first.values())
    retry_stages(settings_of(lake), "ingest", lake=opened(spark, lake))
    attempts = [row["attempt"] for row in opened(spark, lake).read(QUARANTINE).where("stage = 'ingest'").collect()]
    assert sorted(set(attempts)) == [1, 2]
    assert attempts.count(2) == 1
