"""A crawl that is listed again: only parts that are new or have changed are looked at."""

import json
import os
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.engine.lake import Lake
from jobs.engine.listings import unlisted
from jobs.stages.listing import append_listing, crawl_layout
from schemas.images import CRAWL


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"), str(tmp_path / "lake" / "_checkpoints"))


def write_part(folder: Path, number: int, first: int, time_s: int) -> None:
    """Write a part of a manifest that names three images, always of the same length."""
    folder.mkdir(exist_ok=True)
    path = folder / f"part-{number}.jsonl"
    path.write_text("".join(json.dumps({"image": f"{first + n:04}.jpg"}) + "\n" for n in range(3)))
    os.utime(path, (time_s, time_s))


def images(lake: Lake) -> list[str]:
    return sorted(json.loads(row.row_json)["image"] for row in lake.read(CRAWL).select("row_json").collect())


def names(*firsts: int) -> list[str]:
    return [f"{first + n:04}.jpg" for first in firsts for n in range(3)]


def test_only_what_is_new_is_listed(lake: Lake, tmp_path: Path) -> None:
    manifest = tmp_path / "crawl" / "manifest.jsonl"
    manifest.parent.mkdir()

    def listed() -> int:
        return append_listing(lake, crawl_layout(str(manifest.parent)), 256)

    write_part(manifest, 0, 0, time_s=1_000_000)
    assert listed() == 3
    before = lake.version(CRAWL)
    assert listed() == 0 and lake.version(CRAWL) == before
    # The same size and time, so nobody looks into it; but the new part is listed.
    write_part(manifest, 0, 100, time_s=1_000_000)
    write_part(manifest, 1, 200, time_s=1_000_000)
    assert listed() == 3
    assert images(lake) == names(0, 200)
    write_part(manifest, 0, 300, time_s=2_000_000)
    assert listed() == 3
    assert images(lake) == names(0, 200, 300)


def test_entries_that_were_lost_are_listed_again(lake: Lake, tmp_path: Path) -> None:
    manifest = tmp_path / "crawl" / "manifest.jsonl"
    manifest.parent.mkdir()
    write_part(manifest, 0, 0, time_s=1_000_000)
    write_part(manifest, 1, 10, time_s=1_000_000)
    layout = crawl_layout(str(manifest.parent))
    assert append_listing(lake, layout, 256) == 6
    DeltaTable.forPath(lake.session, lake.location(CRAWL)).delete("row_json LIKE '%0011.jpg%'")
    assert append_listing(lake, layout, 256) == 1
    assert images(lake) == names(0, 10)
    assert append_listing(lake, layout, 256) == 0


def test_a_part_that_could_not_be_read_is_looked_at_again(lake: Lake, tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    (crawl / "broken.tar").write_bytes(b"no tar at all")
    assert append_listing(lake, crawl_layout(str(crawl)), 256) == 1
    assert [one.uri for one in crawl_layout(str(crawl)).pieces] == [str(crawl / "broken.tar")]
    assert unlisted(lake, crawl_layout(str(crawl))).pieces
