"""Whole crawls through Spark: listing, transform, and the split into tables."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine.errors import CrawlUnreadable
from jobs.engine.stage import rejects_of
from jobs.stages.ingest import STAGE, new_images, provenance_of
from jobs.stages.listing import LISTED, ListingOptions, crawl_layout, list_crawl
from schemas.images import CRAWL, IMAGES, PROVENANCE
from schemas.operations import QUARANTINE
from schemas.table import Table
from tests.ingest.conftest import Ingested, Row
from tests.ingest.crawls import (
    BAD_ROWS,
    STILL_PHOTOGRAPHS,
    crawl_with_six_bad_rows,
    img2dataset_tars,
    write,
    write_manifest,
)
from tests.ingest.pictures import OBJECTS, POSE, depth_png, instance_png, photo
from tests.object_store import S3_KEYS, upload


def ingest_by_spark(
    spark: SparkSession, uri: str | Path, known: list[Row] | None = None, chunk_bytes: int = 32 * 2**20
) -> Ingested:
    """List, transform and split a crawl, as the streaming writer does with one micro-batch."""
    stage = STAGE.made()
    listed = list_crawl(spark, crawl_layout(str(uri), ListingOptions(chunk_bytes=chunk_bytes)))
    assert listed.columns == LISTED.names
    entries = sorted((row.asDict(True) for row in listed.collect()), key=lambda row: row["position"])
    crawl = [{**row, "ingest_shard": row["position"] // 50} for row in entries]
    transformed = stage.transform(_frame(spark, crawl, CRAWL)).coalesce(2).persist()
    try:
        images = new_images(transformed, _frame(spark, known or [], IMAGES))
        provenance, rejects = provenance_of(transformed), rejects_of(stage, transformed)
        assert (images.columns, provenance.columns) == (IMAGES.columns, PROVENANCE.columns)
        assert sorted(rejects.columns) == sorted(QUARANTINE.columns)
        return Ingested(entries, _rows(images), _rows(provenance), _rows(rejects))
    finally:
        transformed.unpersist()


def _frame(spark: SparkSession, rows: list[Row], table: Table) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema=to_arrow_schema(table.schema)), table.schema)


def _rows(df: DataFrame) -> list[Row]:
    return [row.asDict(True) for row in df.collect()]


@pytest.fixture
def s3_for_spark(s3: str, spark: SparkSession) -> Iterator[str]:
    """The S3 server, told to Spark's Python workers, which were started before it."""
    settings = [*S3_KEYS, "AWS_ENDPOINT_URL"]
    spark.sparkContext.environment.update({name: os.environ[name] for name in settings})
    yield s3
    for name in settings:
        spark.sparkContext.environment.pop(name)


def check_six_bad_rows(result: Ingested, folder: Path, rows_in_all: int) -> None:
    assert [row["position"] for row in result.entries] == list(range(rows_in_all))
    assert result.reasons() == {name: {reason} for name, reason in BAD_ROWS.items()}
    assert len(result.images) == rows_in_all - len(BAD_ROWS) + len(STILL_PHOTOGRAPHS)
    listed = [json.loads(line)["image"] for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert [row["uri"].rpartition("/")[2] for row in result.entries] == [Path(name).name for name in listed]
    whole = result.image("/000.jpg")
    assert (whole["bytes"], whole["depth"], whole["instances"]) == (photo(0), depth_png(), instance_png())
    assert [one["label"] for one in whole["objects"]] == ["cup", "box"]
    assert whole["pose"] == [value for row in POSE for value in row]
    assert result.image("nan_pose.jpg")["pose"] is None and result.image("nan_pose.jpg")["depth"] == depth_png()
    small = result.image("small_depth.jpg")
    assert small["depth"] is None and len(small["objects"]) == len(OBJECTS)
    assert result.image("empty_mask.jpg")["objects"] is None
    sound = {row["image_id"] for row in result.images}
    for row in result.quarantine:
        assert (row["stage"], row["attempt"]) == ("ingest", 1)
        assert (row["image_id"] in sound) == (row["uri"].rpartition("/")[2] in STILL_PHOTOGRAPHS)
        assert row["outcome"] == ("refused" if row["reason"] == "too_many_pixels" else "failed")


def test_six_bad_rows_among_two_hundred(tmp_path: Path, spark: SparkSession) -> None:
    folder = crawl_with_six_bad_rows(tmp_path, 200)
    check_six_bad_rows(ingest_by_spark(spark, folder, chunk_bytes=40_000), folder, 200)


def test_crawls_on_s3(tmp_path: Path, spark: SparkSession, s3_for_spark: str) -> None:
    folder = crawl_with_six_bad_rows(tmp_path / "six", 40)
    img2dataset_tars(tmp_path / "tars")
    upload(tmp_path, "all")
    check_six_bad_rows(ingest_by_spark(spark, f"{s3_for_spark}/all/six"), folder, 40)
    tars = ingest_by_spark(spark, f"{s3_for_spark}/all/tars")
    assert (len(tars.images), tars.quarantine) == (10, [])
    assert {row["position"] // 1_000_000 for row in tars.entries} == {0, 1}


def test_the_same_image_from_two_crawls_is_one_image(tmp_path: Path, spark: SparkSession) -> None:
    for crawl in ("one", "two"):
        write(tmp_path / crawl / "same.jpg", photo(1))
        write(tmp_path / crawl / "again.jpg", photo(1))
    rows: list[Row | str] = [
        {"image": "same.jpg", "crawl_id": "one"},
        {"image": "again.jpg", "crawl_id": "one", "licence": "CC0"},
        {"image": "same.jpg", "crawl_id": "one"},
    ]
    first = ingest_by_spark(spark, write_manifest(tmp_path / "one", rows))
    assert [row["position"] for row in first.entries] == [0, 1]
    assert (len(first.images), len(first.provenance)) == (1, 2)
    least = min(first.provenance, key=lambda row: row["entry_id"])
    assert first.images[0]["licence"] == least["licence"]
    second = ingest_by_spark(
        spark, write_manifest(tmp_path / "two", [{"image": "same.jpg", "crawl_id": "two"}]), known=first.images
    )
    assert (second.images, len(second.provenance)) == ([], 1)
    everywhere = first.provenance + second.provenance
    assert {row["crawl_id"] for row in everywhere} == {"one", "two"}
    assert len({row["image_id"] for row in everywhere}) == 1 and len({row["entry_id"] for row in everywhere}) == 3


def test_containers_and_files_in_one_folder(tmp_path: Path, spark: SparkSession) -> None:
    img2dataset_tars(tmp_path, shards=1)
    tar = tmp_path / "00000.tar"
    write(tmp_path / "00001.tar.gz", gzip.compress(tar.read_bytes()))
    rows = [{"image": {"bytes": photo(number), "path": None}, "text": "a"} for number in range(200, 206)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "hub.parquet", row_group_size=4)
    write(tmp_path / "a.jpg", photo(300))
    write(tmp_path / "a.json", b'{"license": "CC0"}')
    os.symlink(tmp_path, tmp_path / "loop")
    result = ingest_by_spark(spark, tmp_path)
    assert {row["kind"] for row in result.entries} == {"img2dataset_tar", "parquet", "folder"}
    assert (len(result.entries), len(result.images), len(result.provenance)) == (18, 12, 17)
    assert result.reasons() == {"loop": {"link_not_followed"}}
    assert len({row["position"] for row in result.entries}) == 18
    assert result.image("/a.jpg")["licence"] == "CC0"


def test_a_table_in_parts_keeps_its_order(tmp_path: Path, spark: SparkSession) -> None:
    for part in range(3):
        lines = ["image,alt_text", *(f'"{part}{number}.jpg","say, {number}"' for number in range(4))]
        write(tmp_path / "manifest.csv" / f"part-{part}.csv.gz", gzip.compress("\n".join(lines).encode()))
    entries = sorted(list_crawl(spark, crawl_layout(str(tmp_path))).collect(), key=lambda row: row["position"])
    assert [row["position"] for row in entries] == list(range(12))
    assert [Path(row["uri"]).name for row in entries] == [f"{n // 4}{n % 4}.jpg" for n in range(12)]


def test_a_crawl_that_is_not_there(tmp_path: Path, s3: str) -> None:
    for uri in (tmp_path / "none", f"{s3}/none", "s3://no-such-bucket/crawl"):
        with pytest.raises(CrawlUnreadable):
            crawl_layout(str(uri))
    write(tmp_path / "manifest.parquet", b"no parquet")
    with pytest.raises(CrawlUnreadable, match="cannot be listed"):
        crawl_layout(str(tmp_path))
