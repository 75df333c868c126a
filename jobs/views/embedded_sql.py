"""`spatiallake sql` without Spark: DuckDB reads the lake's tables, cannot change them, and reads nothing else.

A query is written in Spark's SQL; sqlglot parses it and writes it in DuckDB's. DuckDB runs without access to files,
network, extensions or Python's variables, and sees only Arrow datasets of the tables that the query names.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from jobs.engine.errors import UsageError
from jobs.views.answers import PARQUET, Answer, opened_for, print_answer, require_format, say_more_rows, write_parquet
from jobs.views.reader import LakeReader, known_tables, stage_of_table
from schemas.table import Table
from schemas.view import columns_missing, no_rows
from schemas.views import VIEWS

_ELSEWHERE = "--engine spark runs Spark's own SQL"
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "BIGINT")
_TABLE_FUNCTIONS = (exp.Unnest, exp.Explode, exp.Posexplode, exp.GenerateSeries, exp.Inline)
# They say how this machine is set up.
_SETTINGS = {"current_setting", "getenv", "getvariable"}
_MAX_ROWS_HELD = 10_000


def run_embedded(
    lake_uri: str, query: str, output: str = "table", limit: int = 100, out: TextIO | Path | None = None
) -> int:
    """Run one query over the tables and views of a lake, print its rows, and return how many were printed.

    Names, formats, `limit` and `out` are those of `jobs.views.sql.run_sql`.

    Raises:
        UsageError: a query that cannot run or does more than read the lake's tables, or an unknown format.
        LakeUnreadable: there is no lake.
    """
    require_format(output, out)
    lake = LakeReader(lake_uri)
    tables = lake.tables()
    statement = _parsed(query)
    if isinstance(statement, exp.Query):
        with _engine() as engine:
            _register(engine, lake, _names_in(statement, tables))
            return _printed(engine, _translated(statement), output, limit, out, tables)
    if output == PARQUET:
        raise UsageError("SHOW TABLES and DESCRIBE are not written as Parquet; write .csv or .json.")
    with opened_for(out) as stream:
        return print_answer(_described(statement, tables), output, stream)


def _parsed(query: str) -> exp.Expr:
    try:
        statements = [one for one in sqlglot.parse(query, read="spark") if one is not None]
    except SqlglotError as error:
        reason = str(error).split("\n")[0].rstrip(". ")
        raise UsageError(f"The query cannot be read: {reason}; {_ELSEWHERE}.") from None
    if len(statements) != 1:
        raise UsageError(f"`spatiallake sql` runs one query at a time, and this is {len(statements)}.")
    return statements[0]


def _described(statement: exp.Expr, tables: list[str]) -> Answer:
    """Answer SHOW TABLES and DESCRIBE NAME from what the engine knows of its tables and views."""
    text = statement.sql(dialect="spark")
    if text.upper() == "SHOW TABLES":
        names = sorted([*tables, *(f"{name}_all" for name in tables), *VIEWS])
        return Answer(["tableName"], [False], iter([(name,) for name in names]))
    name = statement.this.name.lower() if isinstance(statement, exp.Describe) and statement.this else ""
    if name and isinstance(statement.this, exp.Table) and not statement.this.db:
        names = ["col_name", "data_type", "comment"]
        table = name.removesuffix("_all")
        if table in tables:
            fields = known_tables()[table].schema.fields
            rows = [(one.name, one.dataType.simpleString(), one.metadata.get("comment")) for one in fields]
            return Answer(names, [False] * 3, iter(rows))
        if name in VIEWS:
            return Answer(names, [False] * 3, iter([(one, "", said) for one, said in VIEWS[name].columns.items()]))
        raise _no_table(name, tables)
    raise UsageError(
        f"`spatiallake sql` only reads the lake's tables, and this query begins with {text.split(' ')[0].upper()};"
        " write a SELECT, SHOW TABLES or DESCRIBE NAME."
    )


@contextmanager
def _engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="spatiallake-sql-") as spill:
        options: dict[str, str | bool | int | float | list[str]] = {
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
            # What does not fit in memory; by default it would lie in the current folder.
            "temp_directory": spill,
        }
        with duckdb.connect(config=options) as engine:
            engine.execute("SET TimeZone = 'UTC'")
            yield engine


def _names_in(statement: exp.Expr, tables: list[str]) -> set[str]:
    """Return the tables and views that a query names.

    Raises:
        UsageError: it names another one, a file, or a function that reads something else.
    """
    own = {one.alias.lower() for one in statement.find_all(exp.CTE)}
    known = {*tables, *(f"{name}_all" for name in tables), *VIEWS}
    named = set[str]()
    for table in statement.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            if not isinstance(table.this, _TABLE_FUNCTIONS):
                raise _reads_more(table.this.sql(dialect="spark"))
            continue
        if table.db or table.catalog:
            raise _reads_more(table.sql(dialect="spark"))
        name = table.name.lower()
        if name in known:
            named.add(name)
        elif name not in own:
            raise _no_table(table.name, tables)
    for function in statement.find_all(exp.Anonymous):
        if function.name.lower() in _SETTINGS:
            raise _reads_more(function.name)
    return named


def _reads_more(what: str) -> UsageError:
    return UsageError(f"`spatiallake sql` only reads the lake's tables, and {what} is none; SHOW TABLES lists them.")


def _no_table(name: str, tables: list[str]) -> UsageError:
    return UsageError(f"No table `{name}` in this lake; {_there(tables)}.")


def _there(tables: list[str]) -> str:
    return (
        f"the tables are {', '.join(sorted(tables))}, each also with _all for every recipe; views: {', '.join(VIEWS)}"
    )


def _register(engine: duckdb.DuckDBPyConnection, lake: LakeReader, names: set[str]) -> None:
    views = [view for name, view in VIEWS.items() if name in names]
    wanted = names.union(*(view.reads for view in views))
    stages = stage_of_table()
    recipes = lake.current_recipes() if any(name in stages for name in wanted) else {}
    for name in known_tables():
        if not {name, f"{name}_all"} & wanted or not lake.has(name):
            continue
        engine.register(f"{name}_all", lake.dataset(name))
        recipe = recipes.get(stages.get(name, ""))
        kept = f" WHERE recipe = '{recipe}'" if recipe else ""
        engine.execute(f'CREATE TEMP VIEW "{name}" AS SELECT * FROM "{name}_all"{kept}')
    for view in views:
        text = sqlglot.parse_one(view.rendered(lambda name: _source(lake, name)), read="spark")
        engine.execute(f'CREATE TEMP VIEW "{view.name}" AS {_translated(text)}')


def _source(lake: LakeReader, name: str) -> str:
    table: Table = known_tables()[name.removesuffix("_all")]
    if not lake.has(table.name):
        return no_rows(table)
    missing = columns_missing(table, lake.columns(table.name))
    return f"(SELECT *{missing} FROM {name})" if missing else f"`{name}`"


def _translated(statement: exp.Expr) -> str:
    return statement.copy().transform(_with_unnest).sql(dialect="duckdb", identify=True)


def _with_unnest(node: exp.Expr) -> exp.Expr:
    """Replace `inline`, which gives a row per struct of a list and a column per field, by what DuckDB calls it."""
    if not isinstance(node, exp.Inline):
        return node
    unnest = sqlglot.parse_one("unnest(x, max_depth := 2)", read="duckdb")
    return unnest.transform(lambda one: node.this if isinstance(one, exp.Column) and one.name == "x" else one)


def _printed(
    engine: duckdb.DuckDBPyConnection,
    text: str,
    output: str,
    limit: int,
    out: TextIO | Path | None,
    tables: list[str],
) -> int:
    try:
        if [one.type for one in engine.extract_statements(text)] != [duckdb.StatementType.SELECT]:
            raise _reads_more("a part of this query")
        answer = engine.execute(text)
        names = [column[0] for column in answer.description or ()]
        numbers = [str(column[1]).startswith(_NUMBERS) for column in answer.description or ()]
        if output == PARQUET and isinstance(out, Path):
            printed, more = write_parquet(answer.to_arrow_reader(_MAX_ROWS_HELD), limit, out)
        else:
            rows = _fetched(answer)
            with opened_for(out) as stream:
                printed = print_answer(Answer(names, numbers, islice(rows, limit) if limit else rows), output, stream)
            more = next(rows, None) is not None
    except duckdb.Error as error:
        raise _sentence(error, tables) from None
    if more:
        say_more_rows(limit)
    return printed


def _fetched(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := answer.fetchmany(_MAX_ROWS_HELD):
        yield from rows


def _sentence(error: duckdb.Error, tables: list[str]) -> UsageError:
    reason = str(error).strip().split("\n")[0].rstrip(".")
    if isinstance(error, duckdb.BinderException) and "column" in reason.lower():
        return UsageError(f"{reason} (DESCRIBE a table lists its columns; {_there(tables)}).")
    return UsageError(f"The query cannot run: {reason} ({_ELSEWHERE}; {_there(tables)}).")
