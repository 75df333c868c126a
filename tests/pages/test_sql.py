"""`spatiallake sql` on a real Spark session."""

import csv
import io
import json
from pathlib import Path

import pytest

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.views.reader import LakeReader
from jobs.views.sql import run_sql
from tests.pages.small_lake import small_rows, write_lake, write_table
from tests.pages.sql_queries import READS, READS_ELSEWHERE, WRITES


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small lake with one scene of an earlier recipe."""
    path = write_lake(tmp_path_factory.mktemp("sql") / "lake")
    write_table(path, "scenes", [dict(small_rows()["scenes"][0], recipe="0" * 16)])
    return str(path)


def asked(spark, lake, query, output="csv", limit=100):
    """Return what a query prints."""
    out = io.StringIO()
    run_sql(spark, lake, query, output, limit, out)
    return out.getvalue()


def test_csv_rows_are_the_answers(spark, lake):
    said = asked(spark, lake, "SELECT qa_id, answer, value_si FROM qa_pairs ORDER BY qa_id")
    rows = list(csv.DictReader(io.StringIO(said)))
    expected = sorted(small_rows()["qa_pairs"], key=lambda row: row["qa_id"])
    assert [row["qa_id"] for row in rows] == [row["qa_id"] for row in expected]
    assert [row["value_si"] for row in rows] == [repr(row["value_si"]) if "value_si" in row else "" for row in expected]


def test_json_keeps_structure_and_counts_bytes(spark, lake):
    query = 'SELECT "references", rejected FROM references ORDER BY image_id LIMIT 1'
    query = query.replace('"references"', "references")
    row = json.loads(asked(spark, lake, query, "json"))
    assert {"object_id", "expression", "form", "group_size"} == set(row["references"][0])
    assert json.loads(asked(spark, lake, "SELECT bytes FROM images LIMIT 1", "json"))["bytes"].endswith(" bytes>")


def test_a_name_is_the_current_recipe_and_name_all_is_every_recipe(spark, lake):
    assert asked(spark, lake, "SELECT count(*) FROM scenes").split() == ["count(1)", "3"]
    assert asked(spark, lake, "SELECT count(*) FROM scenes_all").split() == ["count(1)", "4"]


def test_table_and_limit(spark, lake, capsys):
    said = asked(spark, lake, "SELECT type_id, question FROM qa_pairs", "table", 5)
    assert "type_id" in said and said.strip().endswith("5 rows")
    assert "Only the first 5 rows are given; --limit 0 gives all." in capsys.readouterr().err
    assert asked(spark, lake, "SELECT type_id FROM qa_pairs", "csv", 0).count("\n") == 97
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT * FROM scenery", "No table `scenery` in this lake; the tables are .*scenes"),
        ("SELECT colour FROM scenes", "No column `colour`"),
        ("SELECT count( FROM scenes", "The query cannot run: .*PARSE_SYNTAX_ERROR"),
        ("SELECT 1/0", "The query cannot run: .*DIVIDE_BY_ZERO"),
    ],
)
def test_mistakes_are_one_sentence(spark, lake, capfd, query, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        asked(spark, lake, query)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("query", WRITES)
def test_nothing_can_be_changed(spark, lake, query):
    before = LakeReader(lake).version("scenes")
    with pytest.raises(UsageError, match=r"only reads|PARSE_SYNTAX_ERROR"):
        asked(spark, lake, query.replace("{lake}", lake))
    assert LakeReader(lake).version("scenes") == before
    assert not (Path(lake) / "out").exists()


@pytest.mark.parametrize("query", READS_ELSEWHERE)
def test_nothing_outside_the_lake_is_read(spark, lake, query):
    with pytest.raises(UsageError, match=r"only reads the lake's tables, and .*; \w+ ") as caught:
        asked(spark, lake, query.replace("{lake}", lake))
    assert "\n" not in str(caught.value)


def test_several_statements_are_no_query(spark, lake):
    for query in ("SELECT 1; DELETE FROM scenes", "BEGIN DELETE FROM scenes; END"):
        with pytest.raises(UsageError, match=r"PARSE_SYNTAX_ERROR|only reads"):
            asked(spark, lake, query)


def test_a_common_table_expression_is_seen_only_where_it_holds(spark, lake):
    asked(
        spark,
        lake,
        "WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM a) SELECT * FROM b JOIN (SELECT * FROM A) USING (x)",
    )
    # Spark 4.0 parses a recursion, but has no plan for it.
    with pytest.raises(UsageError, match="The query cannot run: "):
        asked(spark, lake, "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT * FROM r")
    for query in (
        "SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a), a",
        "WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM b",
    ):
        with pytest.raises(UsageError, match="No table `a` in this lake"):
            asked(spark, lake, query)


def test_variables_of_the_machine_are_text(spark, lake, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    said = asked(spark, lake, "SELECT '${env:PATH} ${system:user.home} ${spark.app.name}' AS said")
    assert said == "said\n${env:PATH} ${system:user.home} ${spark.app.name}\n"
    assert spark.conf.get("spark.sql.variable.substitute") == "true"


@pytest.mark.parametrize("query", READS)
def test_queries_that_read_run(spark, lake, query):
    asked(spark, lake, query, "json")


def test_words_of_change_inside_text_are_text(spark, lake):
    assert "delete from x" in asked(spark, lake, "SELECT 'delete from x' AS said -- insert into y")


def test_there_must_be_a_lake(spark, tmp_path):
    with pytest.raises(LakeUnreadable, match="There is no lake at"):
        asked(spark, str(tmp_path), "SELECT 1")
    with pytest.raises(UsageError, match="No format 'xml'; the formats are table, csv, json"):
        asked(spark, str(tmp_path), "SELECT 1", "xml")


def test_the_reader_sees_rows_that_a_deletion_vector_leaves(spark, tmp_path):
    lake = write_lake(tmp_path / "lake", ("recipes", "qa_pairs"))
    where = f"delta.`{lake / 'qa_pairs'}`"
    spark.sql(f"ALTER TABLE {where} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM {where} WHERE type_id = 'Q01'")
    rows = LakeReader(str(lake)).query("qa_pairs", "SELECT DISTINCT type_id FROM t ORDER BY type_id")
    assert [row["type_id"] for row in rows] == ["N02", "Q09"]
