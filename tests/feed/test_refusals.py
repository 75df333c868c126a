"""What a reader of plain Parquet would get wrong is refused in one sentence; tables written by Spark."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from tests.examples_table import RECIPE
from vlm.errors import PetastormUnknown, SnapshotUnusable
from vlm.feed import petastorm_backend
from vlm.feed.settings import FeedSettings
from vlm.feed.snapshot import Snapshot, open_snapshot


def table_of(spark: SparkSession, folder: Path, **properties: str) -> str:
    """A table of the layout that the feed reads, with two versions of data."""
    frame = spark.range(20).selectExpr("id", "'r' recipe", "'train' split").coalesce(1)
    writer = frame.write.format("delta").partitionBy("recipe", "split")
    for name, value in properties.items():
        writer = writer.option(name.replace("_", "."), value)
    writer.save(str(folder))
    return str(folder)


def refusal(table: str, version: int | None = None, **changes: str) -> str:
    with pytest.raises(SnapshotUnusable) as caught:
        open_snapshot(FeedSettings.model_validate({"table": table, "version": version, **changes}))
    return str(caught.value)


def test_a_version_that_was_vacuumed(spark: SparkSession, tmp_path: Path) -> None:
    table = table_of(spark, tmp_path / "t")
    spark.read.format("delta").load(table).write.format("delta").mode("overwrite").save(table)
    assert open_snapshot(FeedSettings(table=table, version=0)).rows == 20
    at_once = {
        "spark.databricks.delta.retentionDurationCheck.enabled": "false",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    }
    for name, value in at_once.items():
        spark.conf.set(name, value)
    spark.sql(f"VACUUM delta.`{table}` RETAIN 0 HOURS")
    for name in at_once:
        spark.conf.unset(name)
    assert open_snapshot(FeedSettings(table=table)).rows == 20
    said = refusal(table, version=0)
    assert f"version 0 of {table} is missing, probably removed by VACUUM" in said


def test_rows_deleted_by_deletion_vectors(spark: SparkSession, tmp_path: Path) -> None:
    table = table_of(spark, tmp_path / "t", delta_enableDeletionVectors="true")
    assert open_snapshot(FeedSettings(table=table)).rows == 20
    spark.sql(f"DELETE FROM delta.`{table}` WHERE id = 5")
    said = refusal(table)
    assert "deletion vectors in 1 files" in said
    assert "REORG TABLE" in said


def test_a_renamed_column(spark: SparkSession, tmp_path: Path) -> None:
    table = table_of(spark, tmp_path / "t")
    mapped = "'delta.columnMapping.mode'='name','delta.minReaderVersion'='2','delta.minWriterVersion'='5'"
    spark.sql(f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ({mapped})")
    spark.sql(f"ALTER TABLE delta.`{table}` RENAME COLUMN id TO number")
    assert "uses column mapping (name)" in refusal(table)


def test_what_is_not_there(examples_table: str, snapshot: Snapshot, tmp_path: Path) -> None:
    assert "There is no Delta table at" in refusal(str(tmp_path / "nothing"))
    assert f"Version 99 of {examples_table} cannot be opened" in refusal(examples_table, version=99)
    assert f"holds the recipes {RECIPE}, other; choose one" in refusal(examples_table)
    said = refusal(examples_table, recipe=RECIPE, split="validation")
    assert f"no row with split validation and recipe {RECIPE}, only test of {RECIPE}, train of {RECIPE}" in said
    assert "no row with split train and recipe 0000, only" in refusal(examples_table, recipe="0000")


def test_a_table_without_rows_or_of_another_layout(tmp_path: Path) -> None:
    columns = {"example_id": [], "recipe": [], "split": []}
    none = pyarrow.table(columns, pyarrow.schema([(name, pyarrow.string()) for name in columns]))
    write_deltalake(str(tmp_path / "none"), none, partition_by=["recipe", "split"])
    said = refusal(str(tmp_path / "none"))
    assert said == f"Version 0 of {tmp_path}/none has no rows; run `spatiallake examples`."
    assert refusal(str(tmp_path / "none"), recipe=RECIPE) == said
    write_deltalake(str(tmp_path / "other"), pyarrow.table({"recipe": ["r"], "split": ["train"]}))
    for changes in ({}, {"recipe": "r"}):
        assert "other is not a table that `spatiallake examples` wrote" in refusal(str(tmp_path / "other"), **changes)


def test_petastorm_of_another_version_is_refused_and_pyarrow_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    petastorm_backend.patch_petastorm()
    from petastorm import unischema

    assert not hasattr(pyarrow, "filesystem")
    assert not hasattr(np, "unicode_")
    assert unischema.np.unicode_ is np.str_
    monkeypatch.setattr(petastorm_backend, "version", lambda name: "0.14.0")
    with pytest.raises(PetastormUnknown, match=r"Petastorm 0\.14\.0 is installed, but the backend patches 0\.13\.1"):
        petastorm_backend.patch_petastorm.__wrapped__()
