"""`spatiallake publish`: a lake's tables and current rows by name, in a catalog of Spark, Hive, Glue or Unity.

The tables stay where the lake is; the catalog only names them. Rows of the current recipe are a view that looks the
recipe up in table `recipes`, so that a recipe which goes live, or is rolled back, is seen at once.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from jobs.engine.errors import UsageError
from jobs.engine.going_live import shown_uri
from jobs.engine.lake import Lake
from jobs.views.reader import known_tables, stage_of_table
from schemas.operations import RECIPES
from schemas.table import Table
from schemas.view import columns_missing, no_rows
from schemas.views import VIEWS

_CURRENT = """
SELECT recipe FROM {recipes} WHERE stage = '{stage}'
ORDER BY activated_at IS NULL, coalesce(activated_at, registered_at) DESC LIMIT 1
"""


def publish(lake: Lake, catalog: str, schema: str) -> list[str]:
    """Name the lake's tables and the views of their current rows in `catalog.schema`; return the full names.

    A table whose rows have recipes is called `NAME_all`, and `NAME` is the view of its current rows, as in
    `spatiallake sql`; the views of `schemas.views` come with them. Publishing again adds what is new and changes
    nothing else.

    Raises:
        UsageError: no such catalog, one that ends with the session, or names that are taken by something else.
    """
    session = lake.session
    _require_lasting(session, catalog)
    place = f"{_quoted(catalog)}.{_quoted(schema)}"
    try:
        session.sql(f"CREATE SCHEMA IF NOT EXISTS {place}")
        made = list(_published(lake, place))
    except AnalysisException as error:
        first = str(error).split("\n", 1)[0]
        raise UsageError(f"The lake cannot be published in {catalog}.{schema}: {first}") from None
    return [f"{catalog}.{schema}.{name}" for name in made]


def _published(lake: Lake, place: str) -> Iterator[str]:
    stages = stage_of_table()
    tables = {name: table for name, table in known_tables().items() if lake.exists(table)}
    # Views read the others by name.
    for name, table in sorted(tables.items()):
        own = f"{name}_all" if name in stages else name
        _name_table(lake, f"{place}.{_quoted(own)}", table)
        yield own
    for name in sorted(stages.keys() & tables.keys()):
        recipes = f"{place}.{_quoted(RECIPES.name)}"
        current = _CURRENT.format(recipes=recipes, stage=stages[name])
        query = f"SELECT * FROM {place}.{_quoted(f'{name}_all')} WHERE recipe = ({current})"
        comments = {field.name: field.metadata.get("comment", "") for field in tables[name].schema.fields}
        comment = f"{tables[name].comment} Rows of the current recipe."
        _replace_view(lake.session, f"{place}.{_quoted(name)}", comment, comments, query)
        yield name
    for name, view in VIEWS.items():
        query = view.rendered(partial(_source, lake.session, place, tables))
        _replace_view(lake.session, f"{place}.{_quoted(name)}", view.comment, view.columns, query)
        yield name


def _source(session: SparkSession, place: str, tables: Mapping[str, Table], name: str) -> str:
    """Return what a view reads for a table: its rows by their full name, or none where the lake does not have it."""
    table = name.removesuffix("_all")
    if table not in tables:
        return no_rows(known_tables()[table])
    # A table without recipes has one name.
    full = f"{place}.{_quoted(name if table in stage_of_table() else table)}"
    missing = columns_missing(tables[table], session.table(full).columns)
    return f"(SELECT *{missing} FROM {full})" if missing else full


def _name_table(lake: Lake, name: str, table: Table) -> None:
    # `s3://` is what warehouses and Athena know; `s3a://` is Hadoop's own name.
    location = f"{shown_uri(lake)}/{table.name}"
    if not lake.session.catalog.tableExists(name):
        lake.session.sql(f"CREATE TABLE {name} USING delta LOCATION '{location}'")
        return
    held = lake.session.sql(f"DESCRIBE DETAIL {name}").collect()[0]["location"]
    if _path(held) != _path(location):
        raise UsageError(
            f"{name} names a table of another lake, {held}; publish this lake in another schema, or drop that table."
        )


def _replace_view(session: SparkSession, name: str, comment: str, comments: Mapping[str, str], query: str) -> None:
    columns = session.sql(query).columns
    listed = ", ".join(f"{_quoted(column)} COMMENT {_text(comments.get(column, ''))}" for column in columns)
    session.sql(f"CREATE OR REPLACE VIEW {name} ({listed}) COMMENT {_text(comment)} AS {query}")


def _require_lasting(session: SparkSession, catalog: str) -> None:
    kept = session.conf.get("spark.sql.catalogImplementation", "in-memory")
    if catalog == "spark_catalog" and kept == "in-memory":
        raise UsageError(
            "The catalog spark_catalog of this Spark session ends with the session, so nobody could read the names;"
            " name another catalog, or keep it in a Hive metastore: `--set spark.sql.catalogImplementation=hive`."
        )


def _path(location: str) -> str:
    return location.replace("s3a://", "s3://", 1).removeprefix("file://").removeprefix("file:").rstrip("/")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
