"""The views give the same rows by Spark and without it, and say what the tables say."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import spatiallake
from jobs.engine.errors import LakeUnreadable, SpatialLakeError
from jobs.views.reader import LakeReader, known_tables
from jobs.views.sql import run_sql
from schemas.views import VIEWS
from tests.jobs.engine import table
from tests.pages.small_lake import write_lake as write_small_lake
from tests.statistics.two_crawls import DAYS, LICENCES


def plain(rows: list[dict[str, Any]]) -> Counter[str]:
    def value(one: Any) -> Any:
        return f"{one:.9g}" if isinstance(one, float) else one.replace(tzinfo=None) if hasattr(one, "hour") else one

    return Counter(repr([(name, value(one)) for name, one in row.items()]) for row in rows)


@pytest.mark.parametrize("name", VIEWS)
def test_spark_and_the_reader_give_the_same_rows_and_columns(spark: SparkSession, lake: Path, name: str) -> None:
    opened = spatiallake.open_lake(str(lake))
    read, by_spark = opened.arrow(name), opened.spark(name)
    # These rooms are no sequences; tests/views counts the answers of some.
    assert (read.num_rows > 0) == (name != "sequence_answers_by_type")
    assert read.schema.names == by_spark.columns == list(VIEWS[name].columns)
    assert plain(read.to_pylist()) == plain([row.asDict() for row in by_spark.collect()])
    comments = {field.name: field.metadata.get("comment") for field in by_spark.schema.fields}
    assert comments == dict(VIEWS[name].columns)


def test_a_yield_is_the_number_of_rows_of_each_table(lake: Path) -> None:
    days = spatiallake.open_lake(str(lake)).read("yield_by_day").set_index("ingest_day")
    shards = {row["ingest_shard"]: row["listed_on"] for row in table(lake, "crawl").to_pylist()}
    current = LakeReader(str(lake)).current_recipes()
    for column, name, stage in (("images", "images", None), ("with_regions", "regions", "context")):
        rows = [row for row in table(lake, name).to_pylist() if stage is None or row["recipe"] == current[stage]]
        counted = Counter(shards[row["ingest_shard"]] for row in rows)
        assert days[column].to_dict() == counted
    answered = Counter(
        shards[shard]
        for shard, _ in {
            (row["ingest_shard"], row["image_id"])
            for row in table(lake, "qa_pairs").to_pylist()
            if row["recipe"] == current["synthesize"]
        }
    )
    assert days["with_answers"].to_dict() == answered
    # Of 26 images, one was cut and one has no depth.
    assert days.loc[DAYS[0], ["listed", "images", "scored", "with_regions"]].tolist() == [26, 25, 25, 24]
    assert days["listed"].to_dict() == {DAYS[0]: 26, DAYS[1]: 20}


def test_drops_have_their_reasons_crawls_and_days(lake: Path) -> None:
    found = {
        (row["stage"], Path(row["crawl_uri"]).name, row["ingest_day"], row["outcome"], row["reason"]): row
        for row in spatiallake.open_lake(str(lake)).arrow("drop_reasons").to_pylist()
    }
    cut = found["ingest", "offices", DAYS[0], "failed", "truncated_image"]
    without_depth = found["context", "offices", DAYS[0], "filtered", "score_below_threshold"]
    assert all((row["left_out"], row["repeated"]) == (1, 0) for row in (cut, without_depth))


def test_licenses_and_recipes_are_told_apart(lake: Path) -> None:
    opened = spatiallake.open_lake(str(lake))
    by_licence = opened.read("answers_by_licence").groupby("licence", dropna=False)["answers"].sum()
    counted = Counter(row["licence"] for row in opened.arrow("qa_pairs").to_pylist())
    assert {None if name != name else name: count for name, count in by_licence.items()} == counted
    assert set(LICENCES) < set(counted)
    every = opened.arrow("qa_pairs", all_recipes=True).to_pylist()
    by_recipe = opened.read("answers_by_recipe").groupby(["recipe", "shown"])["answers"].sum()
    current = LakeReader(str(lake)).current_recipes()["synthesize"]
    assert by_recipe.to_dict() == {
        (recipe, recipe == current): count for recipe, count in Counter(row["recipe"] for row in every).items()
    }
    assert len(by_recipe) == 2


def test_current_recipes_are_those_of_the_book(lake: Path) -> None:
    reader = LakeReader(str(lake))
    by_view = {row["stage"]: row["recipe"] for row in reader.query("current_recipes", "SELECT stage, recipe FROM t")}
    assert by_view == reader.current_recipes()


def test_bins_hold_what_lies_between_their_edges(lake: Path) -> None:
    reader = LakeReader(str(lake))
    histogram = reader.query("distance_histogram", "SELECT * FROM t")
    lengths = reader.query("qa_pairs", "SELECT type_id, value_si FROM t WHERE unit_si = 'm' AND value_si > 0")
    edges = {row["distance_bin"]: (row["from_m"], row["to_m"]) for row in histogram}
    for number, (begin, end) in edges.items():
        inside = sum(begin <= row["value_si"] < end for row in lengths)
        assert sum(row["answers"] for row in histogram if row["distance_bin"] == number) == inside
        assert end / begin == pytest.approx(10 ** (1 / 5))
    assert sum(row["answers"] for row in histogram) == len(lengths)


def test_a_view_has_the_name_of_no_table() -> None:
    assert not VIEWS.keys() & known_tables().keys()
    assert all(view.reads <= {*known_tables(), "qa_statistics_all"} for view in VIEWS.values())


def test_views_are_listed_and_described_by_sql(spark: SparkSession, lake: Path, capsys: Any) -> None:
    run_sql(spark, str(lake), "SHOW TABLES", "csv", 0)
    shown = capsys.readouterr().out
    assert all(f",{name}," in shown for name in VIEWS)
    run_sql(spark, str(lake), "DESCRIBE drop_reasons", "csv", 0)
    assert 'left_out,bigint,"rows of `quarantine`, at the first attempt"' in capsys.readouterr().out
    with pytest.raises(SpatialLakeError, match=r"No table `yields` in this lake; .*the views are .*yield_by_day"):
        run_sql(spark, str(lake), "SELECT * FROM yields")


@pytest.mark.parametrize("name", VIEWS)
def test_tables_that_a_lake_lacks_have_no_rows(spark: SparkSession, tmp_path: Path, name: str) -> None:
    opened = spatiallake.open_lake(str(write_small_lake(tmp_path / "lake", ("recipes", "images", "quarantine"))))
    expected = {"current_recipes": 7, "drop_reasons": 2}.get(name, 0)
    assert (opened.arrow(name).num_rows, opened.spark(name).count()) == (expected, expected)


def test_there_must_be_a_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeUnreadable, match="There is no lake at"):
        spatiallake.open_lake(str(tmp_path)).read("yield_by_day")


def test_a_view_has_no_other_recipes(lake: Path) -> None:
    with pytest.raises(SpatialLakeError, match=r"answers_by_type is a view of the current recipes.*answers_by_recipe"):
        spatiallake.open_lake(str(lake)).read("answers_by_type", all_recipes=True)
