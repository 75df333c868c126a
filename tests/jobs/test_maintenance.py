"""Maintenance makes few files of many and deletes old ones; rows stay, and streams go on where they were."""

import os
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import Row, SparkSession

from jobs.engine import maintenance
from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.maintenance import maintain
from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import run, stages_of
from jobs.engine.settings import load_settings
from scenes.crawl import write_crawl
from schemas.perception import IMAGE_SCORES
from tests.jobs.engine import TABLES, table

WEEK_H = 168.0


def opened(spark: SparkSession, folder: Path) -> Lake:
    return Lake(spark, str(folder), str(folder / "_checkpoints"))


def files(lake: Path, name: str) -> int:
    return len(DeltaTable(str(lake / name)).file_uris())


def content(lake: Path) -> dict[str, Counter[str]]:
    return {name: Counter(map(str, table(lake, name).to_pylist())) for name in TABLES}


@pytest.fixture
def scores(spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake whose table `image_scores` has ten files of one row."""
    lake = opened(spark, tmp_path / "lake")
    lake.ensure(IMAGE_SCORES)
    for shard in range(10):
        row = Row(image_id=f"{shard:064}", scores={"spatial": 1.0}, recipe="r", ingest_shard=shard, engine_version="1")
        lake.append(IMAGE_SCORES, spark.createDataFrame([row], IMAGE_SCORES.schema), "test", shard)
    return lake


def test_small_files_become_one_and_old_files_go(scores: Lake) -> None:
    folder = Path(scores.uri)
    stray = folder / "image_scores" / "part-of-a-killed-writer.parquet"
    shutil.copy(next((folder / "image_scores").glob("*.parquet")), stray)
    nine_days_ago_s = time.time() - 9 * 86400
    os.utime(stray, (nine_days_ago_s, nine_days_ago_s))
    before = table(folder, "image_scores").to_pylist()
    (planned,) = maintain(scores, {}, WEEK_H, dry_run=True)
    assert (planned.files_before, planned.files_after, planned.vacuumed) == (10, 10, 1)
    assert stray.exists() and files(folder, "image_scores") == 10

    (done,) = maintain(scores, {}, WEEK_H)
    assert (done.files_before, done.files_after, done.vacuumed) == (10, 1, 1)
    assert files(folder, "image_scores") == 1 and not stray.exists()
    assert sorted(map(str, table(folder, "image_scores").to_pylist())) == sorted(map(str, before))
    # Readers of the version before still find its files.
    version = DeltaTable(str(folder / "image_scores")).version()
    assert DeltaTable(str(folder / "image_scores"), version=version - 1).to_pyarrow_table().num_rows == 10
    (again,) = maintain(scores, {}, WEEK_H)
    assert (again.files_before, again.files_after, again.vacuumed) == (1, 1, 0)


def test_what_is_not_safe_is_refused(scores: Lake) -> None:
    with pytest.raises(UsageError, match="at least 168 hours"):
        list(maintain(scores, {}, 1.0))
    offsets = Path(scores.checkpoint_uri) / "lift-0123456789abcdef" / "offsets"
    offsets.mkdir(parents=True)
    (offsets / "0").write_text("v1")
    with pytest.raises(UsageError, match=r"Stage lift was killed in the middle.*spatiallake run"):
        list(maintain(scores, {}, WEEK_H))


@pytest.mark.long
def test_streams_go_on_after_maintenance(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "_MIN_SMALL_FILES", 2)
    folder = tmp_path / "lake"
    for name, count, seed in (("first", 9, 5), ("second", 2, 6)):
        write_crawl(str(tmp_path / name), count=count, seed=seed, width=160, height=120)
    flags = {"lake": str(folder), "crawl": str(tmp_path / "first")}
    run(load_settings(flags, None, ["shard_size=1"]), lake=opened(spark, folder))
    before, many = content(folder), files(folder, "images")
    remembered = remembered_settings(str(folder))
    list(maintain(opened(spark, folder), stages_of(load_settings(flags, None, [], remembered)), WEEK_H))
    assert content(folder) == before
    assert files(folder, "images") < many and files(folder, "crawl") == 9
    more = load_settings({"lake": str(folder), "crawl": str(tmp_path / "second")}, None, [], remembered)
    summaries = run(more, lake=opened(spark, folder))
    assert {one.stage: one.rows_in for one in summaries if one.stage in ("ingest", "lift")} == {"ingest": 2, "lift": 2}
    after = content(folder)
    assert not before["qa_pairs"] - after["qa_pairs"] and not before["scenes"] - after["scenes"]
    list(maintain(opened(spark, folder), stages_of(more), WEEK_H))
    assert content(folder)["qa_pairs"] == after["qa_pairs"]
