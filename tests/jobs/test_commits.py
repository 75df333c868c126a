"""What is committed without Spark is what Spark reads, once, and what Delta would have refused is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, LongType, MapType, StringType, StructField, StructType, TimestampType

from jobs.engine import commits
from jobs.engine.delta_log import commits_of, count_rows, matching_rows, require_whole_log, transaction_version
from jobs.engine.errors import LakeUnreadable
from jobs.engine.lake import Lake
from schemas.table import Table, column

TOY = Table(
    name="toy",
    comment="A toy.",
    schema=StructType(
        [
            column("name", StringType(), "what it is called", False),
            column("number", LongType(), "how many"),
            column("at", TimestampType(), "when"),
            column("counts", MapType(StringType(), LongType()), "by reason"),
            column("parts", ArrayType(StructType([StructField("size", LongType())])), "its parts"),
            column("ingest_shard", LongType(), "ingest shard", False),
        ]
    ),
    key=("name", "number", "at", "counts"),
    checks={"no_debts": "number >= 0"},
)
NOON = datetime(2026, 11, 30, 12, microsecond=250, tzinfo=UTC)


def record(name: str, number: int | None, shard: int = 1) -> dict[str, object]:
    parts = [{"size": number}, {"size": None}]
    return {"name": name, "number": number, "at": NOON, "counts": {"a": 1}, "parts": parts, "ingest_shard": shard}


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path), str(tmp_path / "_checkpoints"))
    lake.ensure(TOY)
    return lake


def names(lake: Lake) -> list[str]:
    return sorted(row["name"] for row in lake.read(TOY).collect())


def test_a_lake_of_ones_own_machine_is_committed_to_without_spark(lake: Lake, spark: SparkSession) -> None:
    assert lake.commits_itself
    assert not Lake(spark, "s3a://bucket/lake", "s3a://bucket/lake/_checkpoints").commits_itself


def test_spark_reads_the_same_values_types_comments_and_properties(lake: Lake, spark: SparkSession) -> None:
    lake.append_records(TOY, [record("a", 1), record("b", None)], "app", 0)
    read = lake.read(TOY)
    assert [field.jsonValue() for field in read.schema.fields] == [field.jsonValue() for field in TOY.schema.fields]
    (row,) = read.where("name = 'a'").selectExpr("*", "at = timestamp '2026-11-30 12:00:00.000250 UTC'").collect()
    assert row["number"] == 1 and row["counts"] == {"a": 1} and row[-1]
    assert [part["size"] for part in row["parts"]] == [1, None]
    detail = spark.sql(f"DESCRIBE DETAIL delta.`{lake.location(TOY)}`").collect()[0]
    assert detail["description"] == TOY.comment
    assert detail["properties"]["delta.enableChangeDataFeed"] == "true"
    assert detail["properties"]["delta.dataSkippingStatsColumns"] == "ingest_shard,name,number,at,counts"


def test_a_repeated_commit_is_ignored_by_either_writer(lake: Lake, spark: SparkSession) -> None:
    rows = spark.createDataFrame([tuple(record("a", 1).values())], TOY.schema)
    lake.append_records(TOY, [record("a", 1)], "app", 3)
    lake.append(TOY, rows, "app", 3)
    lake.append(TOY, rows, "app", 2, is_small=True)
    assert names(lake) == ["a"]
    lake.append(TOY, rows, "app", 4)
    lake.append(TOY, rows, "app", 4, is_small=True)
    lake.append_records(TOY, [record("b", 1)], "other", 4)
    assert names(lake) == ["a", "a", "b"]


def test_the_log_tells_what_a_transaction_added(lake: Lake, spark: SparkSession) -> None:
    rows = spark.createDataFrame([tuple(record(f"n{one}", one).values()) for one in range(9)], TOY.schema)
    lake.append(TOY, rows, "app", 0, is_small=True)
    lake.append_records(TOY, [], "app", 1)
    location = lake.location(TOY)
    assert transaction_version(location, "app") == 1
    told = commits_of(location, "app")["app"]
    files = {Path(one).name for one in DeltaTable(location).file_uris()}
    assert set(told[0]) == files and not told[1]
    assert len(files) == spark.sparkContext.defaultParallelism
    assert {row[0] for row in lake.read(TOY).select("_metadata.file_name").distinct().collect()} == files


def test_readers_skip_files_by_the_statistics_and_find_what_they_count(lake: Lake) -> None:
    for shard in (1, 2, 3):
        lake.append_records(TOY, [record("é" * 40, shard, shard), record("z", None, shard)], "app", shard)
    location = lake.location(TOY)
    table = DeltaTable(location)
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert {(one["min.ingest_shard"], one["max.ingest_shard"], one["num_records"]) for one in actions} == {
        (shard, shard, 2) for shard in (1, 2, 3)
    }
    assert {one["null_count.number"] for one in actions} == {1}
    assert count_rows(location, "ingest_shard = 2") == 2
    assert lake.read(TOY).where("ingest_shard = 3 AND number = 3").count() == 1
    assert lake.read(TOY).where("name = 'z'").count() == 3
    for wanted in ({"name": "é" * 40, "number": 2}, {"at": NOON, "number": 2}, {"ingest_shard": 2, "number": 2}):
        assert matching_rows(location, wanted, ["number"]) == [{"number": 2}]
    assert matching_rows(location, {"name": "é" * 39}, ["number"]) == []
    at = lake.read(TOY).where("at = timestamp '2026-11-30 12:00:00.000250 UTC'")
    assert at.count() == 6 and lake.read(TOY).where("at > timestamp '2026-11-30 12:00:00.000250 UTC'").count() == 0


def test_rows_that_break_a_check_or_lack_a_value_are_refused_as_a_whole(lake: Lake, spark: SparkSession) -> None:
    rows = spark.createDataFrame([tuple(record(name, n).values()) for name, n in (("a", 1), ("b", -1))], TOY.schema)
    with pytest.raises(Exception, match=r"CHECK constraint no_debts \(number >= 0\) of table toy"):
        lake.append(TOY, rows, "app", 0, is_small=True)
    with pytest.raises(Exception, match="no_debts"):
        lake.append(TOY, spark.createDataFrame([tuple(record("c", None).values())], TOY.schema), "app", 0, True)
    with pytest.raises(ValueError, match="name"):
        lake.append_records(TOY, [{**record("a", 1), "name": None}], "app", 0)
    assert names(lake) == [] and transaction_version(lake.location(TOY), "app") == -1


def test_a_damaged_page_and_a_cut_entry_are_noticed(lake: Lake) -> None:
    lake.append_records(TOY, [record("only", 1)], "app", 0)
    (file,) = (Path(one.removeprefix("file://")) for one in DeltaTable(lake.location(TOY)).file_uris())
    content = file.read_bytes()
    place = content.index(b"only")
    file.write_bytes(content[:place] + b"0" + content[place + 1 :])
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(file, page_checksum_verification=True)
    entry = Path(lake.location(TOY)) / "_delta_log" / f"{1:020}.json"
    lines = entry.read_text(encoding="utf-8").splitlines(keepends=True)
    assert any("add" in json.loads(line) for line in lines)
    require_whole_log(lake.location(TOY))
    entry.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(LakeUnreadable, match="does not match its checksum"):
        require_whole_log(lake.location(TOY))


def test_a_table_that_is_there_is_not_created_again(lake: Lake) -> None:
    lake.append_records(TOY, [record("a", 1)], "app", 0)
    commits.create(TOY, lake.location(TOY), {})
    lake.ensure(TOY)
    assert names(lake) == ["a"]
    with pytest.raises(FileNotFoundError, match="no table"):
        commits.append(f"{lake.uri}/nothing", TOY, lambda _: pa.table({"a": [1]}), "app", 0)
