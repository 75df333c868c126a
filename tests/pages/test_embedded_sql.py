"""`spatiallake sql` without Spark: the rows that Spark gives, and nothing but the lake's tables."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.views.answers import format_of
from jobs.views.embedded_sql import run_embedded
from jobs.views.reader import LakeReader
from jobs.views.sql import run_sql
from schemas.views import VIEWS
from tests.pages.small_lake import small_rows, write_lake, write_table
from tests.pages.sql_queries import READS, READS_ELSEWHERE, WRITES

# What Spark alone has: pipes, plans, TABLE and VALUES as queries, range, and LATERAL after a comma.
SPARK_ONLY = ("FROM scenes |>", "SHOW COLUMNS", "EXPLAIN", "TABLE", "VALUES", "SELECT `RANGE`", "SELECT e.o.label")
SAME = [
    "SELECT qa_id, answer, value_si FROM qa_pairs ORDER BY qa_id",
    "SELECT type_id, count(*) AS n, round(avg(value_si), 6) AS mean FROM qa_pairs GROUP BY type_id ORDER BY type_id",
    "SELECT image_id, size(objects) AS n, objects[0].label AS first FROM scenes ORDER BY image_id",
    "SELECT s.image_id, o.label FROM scenes AS s LATERAL VIEW explode(s.objects) t AS o ORDER BY 1, 2",
    "SELECT count(*) AS n FROM scenes_all",
    "SELECT count(DISTINCT image_id) AS n FROM qa_pairs WHERE answer LIKE '%a%' AND NOT value_si IS NULL",
    "SELECT length(question) / 7 AS share, length(question) % 3 AS rest FROM qa_pairs ORDER BY 1, 2 LIMIT 5",
    "WITH a AS (SELECT image_id AS i FROM images) SELECT count(*) AS n FROM a JOIN scenes ON a.i = scenes.image_id",
    "SELECT CASE WHEN 2 > 1 THEN 'yes' ELSE 'no' END AS said, coalesce(NULL, 3) AS three, substring('mug', 2, 2) AS ug",
    "SELECT count(*) AS n, min(object_id) AS first FROM (SELECT image_id, inline(objects) FROM scenes) AS o",
    "SELECT percentile(value_si, 0.5) AS median FROM qa_pairs",
    "SELECT `references` AS said, rejected FROM references ORDER BY image_id LIMIT 1",
]
ELSEWHERE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM parquet_scan('{lake}/scenes/*.parquet')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT current_setting('temp_directory')",
    "SELECT getenv('HOME')",
    "SELECT * FROM lake",
    "SELECT * FROM query('SELECT 1')",
    "COPY (SELECT 1) TO '{lake}/out'",
    "ATTACH '{lake}/out' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SELECT 1; SELECT 2",
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small lake with one scene of an earlier recipe."""
    path = write_lake(tmp_path_factory.mktemp("sql") / "lake")
    write_table(path, "scenes", [dict(small_rows()["scenes"][0], recipe="0" * 16)])
    return str(path)


def asked(lake: str, query: str, output: str = "csv", limit: int = 100) -> str:
    """Return what a query prints."""
    out = io.StringIO()
    run_embedded(lake, query, output, limit, out)
    return out.getvalue()


@pytest.mark.parametrize("query", SAME)
def test_rows_are_those_of_spark(spark, lake, query):
    out = io.StringIO()
    run_sql(spark, lake, query, "json", 0, out)
    expected = [json.loads(line) for line in out.getvalue().splitlines()]
    rows = [json.loads(line) for line in asked(lake, query, "json", 0).splitlines()]
    assert rows and len(rows) == len(expected)
    for row, same in zip(rows, expected, strict=True):
        assert list(row) == list(same)
        assert [_near(value) for value in row.values()] == list(same.values())


def _near(value):
    return pytest.approx(value, rel=1e-12) if isinstance(value, float) else value


@pytest.mark.parametrize("name", VIEWS)
def test_views_give_the_rows_of_the_reader(lake, name):
    rows = [json.loads(line) for line in asked(lake, f"SELECT * FROM {name}", "json", 0).splitlines()]
    assert len(rows) == len(LakeReader(lake).view(name))


@pytest.mark.parametrize("query", WRITES)
def test_nothing_can_be_changed(lake, query):
    before = LakeReader(lake).version("scenes")
    with pytest.raises(UsageError) as caught:
        asked(lake, query.replace("{lake}", lake))
    assert "\n" not in str(caught.value)
    assert LakeReader(lake).version("scenes") == before
    assert not (Path(lake) / "out").exists() and not (Path(lake) / "new").exists()


@pytest.mark.parametrize("query", [*READS_ELSEWHERE, *ELSEWHERE])
def test_nothing_outside_the_lake_is_read(lake, query):
    with pytest.raises(UsageError) as caught:
        asked(lake, query.replace("{lake}", lake))
    assert "\n" not in str(caught.value)
    assert not (Path(lake) / "out").exists()


@pytest.mark.parametrize("query", [query for query in READS if not query.startswith(SPARK_ONLY)])
def test_queries_that_read_run(lake, query):
    asked(lake, query, "json")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT * FROM scenery", "No table `scenery` in this lake; the tables are .*scenes"),
        ("SELECT colour FROM scenes", '"colour" not found.*DESCRIBE'),
        ("SELECT count( FROM scenes", "The query cannot be read: "),
        ("SELECT nosuchfunction(1)", "nosuchfunction.*--engine spark"),
    ],
)
def test_mistakes_are_one_sentence(lake, query, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        asked(lake, query)
    assert "\n" not in str(caught.value)


def test_tables_views_and_columns_are_listed(lake):
    listed = asked(lake, "SHOW TABLES", "csv", 0).split()
    assert {"scenes", "scenes_all", *VIEWS} <= set(listed)
    described = list(csv.DictReader(io.StringIO(asked(lake, "DESCRIBE scenes"))))
    assert {row["col_name"] for row in described} >= {"image_id", "objects"}
    assert all(row["comment"] for row in csv.DictReader(io.StringIO(asked(lake, f"DESCRIBE {next(iter(VIEWS))}"))))


def test_limits_and_formats(lake, capsys, tmp_path):
    said = asked(lake, "SELECT type_id, question FROM qa_pairs", "table", 5)
    assert "type_id" in said and said.strip().endswith("5 rows")
    assert "Only the first 5 rows are given; --limit 0 gives all." in capsys.readouterr().err
    assert json.loads(asked(lake, "SELECT bytes FROM images LIMIT 1", "json"))["bytes"].endswith(" bytes>")
    with pytest.raises(UsageError, match="No format 'xml'; the formats are table, csv, json"):
        asked(lake, "SELECT 1", "xml")
    with pytest.raises(LakeUnreadable, match="There is no lake at"):
        asked(str(tmp_path), "SELECT 1")


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_answers_are_written_whole_to_files(spark, lake, tmp_path, engine):
    query = "SELECT q.qa_id, q.value_si, s.objects FROM qa_pairs q JOIN scenes s USING (image_id) ORDER BY q.qa_id"

    def write(name: str, limit: int = 0) -> int:
        path, output = tmp_path / name, format_of(tmp_path / name, None)
        if engine == "duckdb":
            return run_embedded(lake, query, output, limit, path)
        return run_sql(spark, lake, query, output, limit, path)

    expected = [json.loads(line) for line in asked(lake, query, "json", 0).splitlines()]
    assert write("a.jsonl") == write("a.csv") == write("a.parquet") == len(expected) > 2
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == expected
    held = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["qa_id"] for row in held] == [row["qa_id"] for row in expected]
    assert [len(row["objects"]) for row in held] == [len(row["objects"]) for row in expected]
    assert len(list(csv.DictReader((tmp_path / "a.csv").open()))) == len(expected)
    assert write("b.parquet", 2) == 2 == pq.read_metadata(tmp_path / "b.parquet").num_rows
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.jsonl", "a.parquet", "b.parquet"]


def test_a_file_that_says_no_format_is_refused(lake, tmp_path):
    with pytest.raises(UsageError, match=r"a\.txt is no name of an answer; end it in \.csv"):
        format_of(tmp_path / "a.txt", None)
    with pytest.raises(UsageError, match="would be csv, and --format says json"):
        format_of(tmp_path / "a.csv", "json")


def test_rows_that_a_deletion_vector_leaves_are_seen(spark, tmp_path):
    lake = write_lake(tmp_path / "lake", ("recipes", "qa_pairs"))
    where = f"delta.`{lake / 'qa_pairs'}`"
    spark.sql(f"ALTER TABLE {where} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"DELETE FROM {where} WHERE type_id = 'Q01'")
    assert asked(str(lake), "SELECT DISTINCT type_id FROM qa_pairs ORDER BY 1").split() == ["type_id", "N02", "Q09"]


def test_nothing_is_written_in_the_current_folder(lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked(lake, "SELECT a.* FROM qa_pairs AS a JOIN qa_pairs AS b USING (image_id) ORDER BY a.question", "csv", 5)
    assert list(tmp_path.iterdir()) == []
