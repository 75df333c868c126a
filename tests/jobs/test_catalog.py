"""A lake in a Hive metastore: another Spark session reads current rows by name alone."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.engine.environment import resolved_jars
from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.memory import stored_book
from jobs.engine.pipeline import backfill_stages, run
from jobs.engine.settings import load_settings
from jobs.views.catalog import publish
from scenes.crawl import write_crawl
from tests.jobs.engine import spatiallake, table

# Nothing of the product: a session as a team's own job starts it.
READER = """
import json, sys
from pyspark.sql import SparkSession

jars, options, query = json.loads(sys.argv[1])
builder = SparkSession.builder.master("local[1]").config("spark.jars", ",".join(jars))
for name, value in options.items():
    builder = builder.config(name, value)
session = builder.getOrCreate()
print(json.dumps([row.asDict() for row in session.sql(query).collect()], default=str))
"""
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
}


def answered(options: dict[str, str], query: str) -> list[dict]:
    given = json.dumps([resolved_jars(False), {**DELTA, **options}, query])
    done = subprocess.run([sys.executable, "-c", READER, given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def answers_of(lake: Path, recipe: str) -> Counter[str]:
    return Counter(row["image_id"] for row in table(lake, "qa_pairs").to_pylist() if row["recipe"] == recipe)


def opened(spark: SparkSession, folder: Path) -> Lake:
    return Lake(spark, str(folder), str(folder / "_checkpoints"))


@pytest.mark.long
def test_another_session_reads_the_current_rows_by_name(spark: SparkSession, tmp_path: Path) -> None:
    crawl, lake = tmp_path / "rooms", tmp_path / "lake"
    write_crawl(str(crawl), count=2, seed=5, width=256, height=192)
    run(load_settings({"lake": str(lake), "crawl": str(crawl)}, None, []), lake=opened(spark, lake))
    old = stored_book(str(lake)).live()["synthesize"]
    metastore = {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true",
    }
    overrides = [text for name, value in metastore.items() for text in ("--set", f"{name}={value}")]
    place = ("--lake", str(lake), "--catalog", "spark_catalog", "--schema", "spatial")
    names = spatiallake("publish", *place, *overrides).stdout.split()
    assert {"spark_catalog.spatial.qa_pairs", "spark_catalog.spatial.qa_pairs_all"} <= set(names)
    assert spatiallake("publish", *place, *overrides).stdout.split() == names

    query = "SELECT recipe, count(*) AS answers FROM spatial.qa_pairs GROUP BY recipe"
    answers = table(lake, "qa_pairs").num_rows
    assert answered(metastore, query) == [{"recipe": old, "answers": answers}]
    settings = load_settings({"lake": str(lake)}, None, ["synthesize.short_share=0.9"])
    backfill_stages(settings, "synthesize", lake=opened(spark, lake))
    new = stored_book(str(lake)).live()["synthesize"]
    assert [row["recipe"] for row in answered(metastore, query)] == [new] != [old]
    described = {row["col_name"]: row["comment"] for row in answered(metastore, "DESCRIBE spatial.qa_pairs")}
    assert described["value_si"] == "measured, unrounded, >= 0"
    (day,) = answered(metastore, "SELECT images, answers FROM spatial.yield_by_day")
    assert day["images"] == 2 and day["answers"] == sum(answers_of(lake, new).values())
    statistics = answered(metastore, "SELECT sum(answers) AS answers FROM spatial.qa_statistics")
    assert statistics == [{"answers": sum(answers_of(lake, new).values())}]


def test_a_catalog_that_ends_with_the_session_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ends with the session"):
        publish(opened(spark, tmp_path), "spark_catalog", "spatial")
