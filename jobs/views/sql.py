"""`spatiallake sql`: questions to a lake's tables, with Spark, and without a way to change them."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.lake_folder import no_lake
from jobs.engine.recipe_table import recipe_book
from jobs.views.answers import PARQUET, Answer, opened_for, print_answer, require_format, say_more_rows, write_parquet
from jobs.views.reader import known_tables, stage_of_table
from jobs.views.sql_guard import java_cause, tables_read, variables_off
from schemas.table import Table
from schemas.view import View, columns_missing, no_rows
from schemas.views import VIEWS

_NUMBERS = ("integer", "long", "double", "float", "decimal", "short", "byte")


def run_sql(
    session: SparkSession,
    lake_uri: str,
    query: str,
    output: str = "table",
    limit: int = 100,
    out: TextIO | Path | None = None,
) -> int:
    """Run one query over the tables and views of a lake, print its rows, and return how many were printed.

    `name` is a table's current recipe, `name_all` all of them; views are those of `schemas.views`. `output` is table,
    csv or json (an object a line), or parquet where `out` is a file; `limit` 0 prints every row. A note on stderr says
    when the limit cut rows off.

    Raises:
        UsageError: a query that cannot run or does more than read the lake's tables, or an unknown format.
        LakeUnreadable: there is no lake.
    """
    require_format(output, out)
    _silence_spark()
    lake, tables = _tables_of(session, lake_uri)
    try:
        # Spark parses the query twice, so both have to be under the same rule.
        with variables_off(session):
            _register(lake, tables, tables_read(session, query, frozenset(_view_names(tables))))
            answer = session.sql(query)
        if output == PARQUET and isinstance(out, Path):
            found = (answer.limit(limit + 1) if limit else answer).toArrow()
            printed, more = write_parquet(found.to_reader(), limit, out)
        else:
            rows = iter(answer.limit(limit + 1).collect() if limit else answer.toLocalIterator())
            numbers = [field.dataType.typeName() in _NUMBERS for field in answer.schema.fields]
            shown = Answer(answer.columns, numbers, islice(rows, limit) if limit else rows)
            with opened_for(out) as stream:
                printed = print_answer(shown, output, stream)
            more = next(rows, None) is not None
    except PySparkException as error:
        raise UsageError(_sentence(error, sorted(tables))) from None
    except Py4JJavaError as error:  # what Spark itself does not foresee, such as a plan that it cannot carry out
        raise UsageError(f"The query cannot run: {java_cause(error)}; write it another way.") from None
    if more:
        say_more_rows(limit)
    return printed


def register_views(session: SparkSession, lake_uri: str, *names: str) -> None:
    """Register the temporary views `names`, each a table, a table with `_all`, or one of `schemas.views`.

    Raises:
        LakeUnreadable: the lake has no table.
    """
    lake, tables = _tables_of(session, lake_uri)
    _register(lake, tables, set(names))


def _tables_of(session: SparkSession, lake_uri: str) -> tuple[Lake, dict[str, Table]]:
    uri = lake_uri.rstrip("/")
    lake = Lake(session, uri, f"{uri}/_checkpoints")
    tables = {name: table for name, table in known_tables().items() if lake.exists(table)}
    if not tables:
        raise no_lake(uri)
    return lake, tables


def _view_names(tables: Iterable[str]) -> Iterator[str]:
    for name in tables:
        yield from (name, f"{name}_all")
    yield from VIEWS


def _register(lake: Lake, tables: dict[str, Table], names: set[str]) -> None:
    views = [view for name, view in VIEWS.items() if name in names]
    names = names.union(*(view.reads for view in views))
    # Opening a table takes a second on a laptop, so only tables that the query names are opened.
    named = [name for name in tables if {name, f"{name}_all"} & names]
    stages = stage_of_table()
    recipes = recipe_book(lake).current() if any(name in stages for name in named) else {}
    for name in named:
        rows = lake.read(tables[name])
        rows.createOrReplaceTempView(f"{name}_all")
        recipe = recipes.get(stages.get(name, ""))
        (rows.where(rows.recipe == recipe) if recipe else rows).createOrReplaceTempView(name)
    for view in views:
        _register_view(lake.session, view, tables)


def _register_view(session: SparkSession, view: View, tables: dict[str, Table]) -> None:
    def source(name: str) -> str:
        table = name.removesuffix("_all")
        if table not in tables:
            return no_rows(known_tables()[table])
        missing = columns_missing(tables[table], session.table(name).columns)
        return f"(SELECT *{missing} FROM {name})" if missing else f"`{name}`"

    rows = session.sql(view.rendered(source))
    commented = [F.col(name).alias(name, metadata={"comment": view.columns[name]}) for name in rows.columns]
    rows.select(*commented).createOrReplaceTempView(view.name)


def _silence_spark() -> None:
    # Spark logs a page of JSON for every query error, before the one sentence that says what is wrong.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)


def _sentence(error: PySparkException, tables: list[str]) -> str:
    condition, parameters = error.getCondition() or "", error.getMessageParameters() or {}
    there = f"the tables are {', '.join(tables)}, each also with _all for every recipe; views: {', '.join(VIEWS)}"
    if condition == "TABLE_OR_VIEW_NOT_FOUND":
        return f"No table {parameters.get('relationName', '?')} in this lake; {there}."
    if condition.startswith("UNRESOLVED_COLUMN"):
        near = f"; near it are {parameters['proposal']}" if parameters.get("proposal") else ""
        return f"No column {parameters.get('objectName', '?')}{near} (DESCRIBE a table lists its columns; {there})."
    reason = str(error).strip().split("\n")[0].split(" SQLSTATE")[0].strip()
    return f"The query cannot run: {reason} ({there})."
