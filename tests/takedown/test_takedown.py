"""Takedown: what is gone from tables and disk, what downstream sees, and that nothing comes back."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from jobs.engine.lake import Lake
from jobs.takedown.command import preview_takedown, take_down
from jobs.takedown.small import preview_small
from schemas.reasons import Reason
from tests.takedown.lakes import engine, named, opened, table
from tests.takedown.secret_crawl import Secret, derived_words, manifest, rows_of, traces, write_manifest

PER_IMAGE = ("images", "provenance", "near_duplicates", "image_scores", "regions", "depths", "scenes", "references")
PER_IMAGE = (*PER_IMAGE, "qa_pairs", "training_examples")


def require_gone(lake: Path, secret: Secret, words: tuple[bytes, ...]) -> None:
    for name in PER_IMAGE:
        assert rows_of(lake, name, secret.image_id) == [], name
    text = json.dumps([table(lake, name) for name in ("crawl", "quarantine")], default=str)
    assert words[0].decode() not in text


def require_counted_alike(lake: Lake, secret: Secret) -> None:
    """Check that a preview counts the same rows with and without Spark, whatever is named."""
    for criteria in (
        {"images": [secret.image_id]},
        {"images": ["0" * 64]},
        {"urls": [secret.url]},
        {"domains": ["example.net", "example.org"]},
        {"licences": ["CC-BY-NC"], "domains": ["nowhere.example"]},
        {"licences": ["CC0"]},
    ):
        asked = named(Path(lake.uri), **criteria)
        assert preview_small(lake, asked) == preview_takedown(lake, asked), criteria


def sums(lake: Path) -> Counter[tuple[Any, ...]]:
    """Return the answers by shard, type and split as they were counted, over all that they are counted by."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in table(lake, "qa_statistics"):
        found[row["ingest_shard"], row["type_id"], row["split"]] += row["answers"]
    return found


def counted(lake: Path) -> Counter[tuple[Any, ...]]:
    """Return the answers by shard, type and split as they are."""
    return Counter((row["ingest_shard"], row["type_id"], row["split"]) for row in table(lake, "qa_pairs"))


@pytest.mark.long
def test_an_image_is_gone_from_tables_at_once_and_from_the_disk_with_vacuum(
    spark: SparkSession, crawl: Path, secret: Secret, lake: Path
) -> None:
    words = (*secret.words, *derived_words(lake, secret.image_id))
    assert len(words) > 6 and all(traces(lake, [word]) for word in words)
    # Tables that no stage here knows: one names its images, the other does not.
    ids = [secret.image_id, "another"]
    write_deltalake(str(lake / "scored_elsewhere"), pa.table({"image_id": ids, "score": [words[0].decode(), "b"]}))
    write_deltalake(str(lake / "notes"), pa.table({"note": ["a"]}))
    before = {name: len(table(lake, name)) for name in PER_IMAGE}
    asked = named(lake, images=[secret.image_id[:12]])
    assert asked == named(lake, images=[secret.image_id])

    counts = preview_takedown(opened(spark, lake), asked)
    assert counts["images"] == counts["provenance"] == counts["crawl"] == 1 and counts["qa_pairs"] > 5
    assert {name: len(table(lake, name)) for name in PER_IMAGE} == before
    require_counted_alike(opened(spark, lake), secret)

    versions = {name: DeltaTable(str(lake / name)).version() for name in PER_IMAGE}
    told: list[str] = []
    kept = take_down(opened(spark, lake), asked, vacuum=False, say=told.append)
    require_gone(lake, secret, words)
    assert "--vacuum" in told[0] and traces(lake, words)
    assert kept.image_ids == (secret.image_id,) and kept.entries == 1 and kept.old_versions == "kept"
    for name in PER_IMAGE:
        record = kept.tables[name]
        assert record.action == "removed" and record.version_after > record.version_before == versions[name]
        assert (record.rows_before, record.rows_after) == (before[name], len(table(lake, name)))
        assert record.rows_before > record.rows_after
    assert [row["image_id"] for row in table(lake, "scored_elsewhere")] == ["another"]
    assert kept.tables["notes"].action == "unreached"
    assert any("the log of table scored_elsewhere" in sentence for sentence in kept.not_reached)
    assert sums(lake) == counted(lake)
    (copy,) = kept.near_duplicates
    assert copy.near == secret.image_id and copy.bits <= 6
    assert copy.image_id in {row["image_id"] for row in table(lake, "images")}

    # A reader downstream that has seen all versions before sees the rows that went.
    for name in ("images", "qa_pairs"):
        changes = spark.read.format("delta").option("readChangeFeed", "true")
        feed = changes.option("startingVersion", versions[name] + 1).load(str(lake / name)).collect()
        assert {row["_change_type"] for row in feed} == {"delete"}
        assert {row["image_id"] for row in feed} == {secret.image_id}
        assert len(feed) == before[name] - len(table(lake, name))

    certified = take_down(opened(spark, lake), asked, vacuum=True)
    shutil.rmtree(lake / "scored_elsewhere" / "_delta_log")
    assert traces(lake, words) == []
    assert certified.old_versions == "removed" and certified.image_ids == (secret.image_id,)
    assert certified.tables["images"].deleted_files and certified.tables["scored_elsewhere"].deleted_files
    assert not list(lake.glob("*/_change_data/**/*.parquet"))
    require_counted_alike(opened(spark, lake), secret)
    assert certified.crawls == kept.crawls == (str(crawl),)

    # The same crawl again, with new entries: one at the same address, and one of which only the content is the same.
    rows, again = manifest(crawl), Path(shutil.copytree(crawl, lake.parent / "again"))
    elsewhere = {
        "image_url": "https://elsewhere.example.com/x.jpg",
        "page_url": None,
        "alt_text": None,
        "objects": None,
    }
    rows += [{**rows[secret.row], "crawled_at": "2026-11-30"}, {**rows[secret.row], **elsewhere}]
    write_manifest(again, rows)
    engine(spark, lake, crawl=str(again))
    engine(spark, lake, "examples")
    require_gone(lake, secret, words)
    assert traces(lake, words) == []
    refused = [row for row in table(lake, "quarantine") if row["reason"] == Reason.TAKEN_DOWN]
    assert {(row["outcome"], row["uri"], row["image_id"]) for row in refused} == {("refused", None, None)}
    # A crawl in another folder has other entries: the secret one, and the two that are new.
    assert len(refused) == 1 + 3
    assert len({row["image_id"] for row in table(lake, "images")}) == before["images"] - 1
    assert sums(lake) == counted(lake)
