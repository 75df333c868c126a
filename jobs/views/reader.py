"""Lake tables without Spark: what the pages and quick looks read, through delta-rs."""

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

import schemas
from jobs.engine.delta_log import arrow_of, is_plain, require_present_names, require_whole_log
from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.lake_folder import no_lake
from jobs.engine.recipes import RecipeBook
from jobs.engine.registry import stage_tables
from jobs.views.plain_arrow import plain
from schemas.operations import RECIPES
from schemas.table import Table
from schemas.view import columns_missing, no_rows
from schemas.views import VIEWS
from udfs.storage.clients import delta_options
from udfs.storage.locations import UnservedLocation, normalized

if TYPE_CHECKING:
    import pyarrow.dataset as ds

Row = dict[str, Any]


def stage_of_table() -> dict[str, str]:
    """Return the stage of each table that has rows of several recipes; every other table is read whole."""
    return {name: table.stage or "" for name, table in stage_tables().items() if "recipe" in table.columns}


def known_tables() -> dict[str, Table]:
    """Return every table that `schemas` or a stage declares, by name."""
    found: dict[str, Table] = {}
    for module in pkgutil.iter_modules(schemas.__path__):
        members = vars(importlib.import_module(f"schemas.{module.name}")).values()
        found |= {member.name: member for member in members if isinstance(member, Table)}
    return found | stage_tables()


def quoted(values: Iterable[str]) -> str:
    """Return values as a comma-separated list of SQL string literals."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


class LakeReader:
    """One lake, each table at the version it had when it was first read.

    `uri` is a local folder or an `s3://` (or `s3a://`) prefix; credentials and endpoint come from the usual `AWS_*`
    variables. `versions` names the versions of tables to read, by table, in place of the newest ones.
    """

    def __init__(self, uri: str, versions: Mapping[str, int] | None = None) -> None:
        self.uri = uri.rstrip("/")
        self._versions = versions or {}
        try:
            self._root = normalized(uri)
        except UnservedLocation as error:
            raise UsageError(str(error)) from None
        self._options = delta_options()
        self._opened: dict[str, DeltaTable | None] = {}
        self._book: RecipeBook | None = None

    def tables(self) -> list[str]:
        """Return the names of the lake's tables.

        Raises:
            LakeUnreadable: it has none.
        """
        found = [name for name in known_tables() if self.has(name)]
        if not found:
            raise no_lake(self.uri)
        return found

    def has(self, name: str) -> bool:
        """Return whether the table has been created."""
        return self._open(name) is not None

    def version(self, name: str) -> int:
        """Return the table's Delta version."""
        return self._required(name).version()

    def current_recipes(self) -> dict[str, str]:
        """Return each stage's current recipe, as `RecipeBook.current` defines it."""
        return self.recipe_book().current()

    def recipe_book(self) -> RecipeBook:
        """Return the lake's recipes."""
        if self._book is None:
            self._book = RecipeBook(self.optional("recipes", "SELECT * FROM t"))
        return self._book

    def exists(self, table: Table) -> bool:
        """Return whether the table has been created."""
        return self.has(table.name)

    def count(self, query: str, tables: Sequence[Table]) -> dict[str, int]:
        """Return the one row of a query in which `{name}` stands for a table."""
        builder = QueryBuilder()
        for table in tables:
            builder = builder.register(table.name, self._required(table.name))
        text = query.format(**{table.name: f'"{table.name}"' for table in tables})
        return arrow_of(builder.execute(text)).to_pylist()[0]

    def joined(self, query: str, tables: Iterable[str]) -> Any:
        """Return a stream of the record batches of a query over all rows of several tables, each under its name."""
        builder = QueryBuilder()
        for name in tables:
            builder = builder.register(name, self._required(name))
        return builder.execute(query)

    def query(self, name: str, sql: str, all_recipes: bool = False) -> list[Row]:
        """Run SQL (DataFusion's dialect) over one table or view, called `t`, and return its rows.

        `t` holds the current recipe's rows; with `all_recipes` every row of a table. NaN and infinity come back as
        None, for pages and JSON cannot hold them.

        Raises:
            LakeUnreadable: the table does not exist yet.
        """
        return [_finite(row) for row in self.arrow(name, sql, all_recipes).to_pylist()]

    def arrow(self, name: str, sql: str, all_recipes: bool = False) -> pa.Table:
        """Return what `query` returns, as an Arrow table and with its NaN and infinity.

        Raises:
            LakeUnreadable: the table does not exist yet.
        """
        if name in VIEWS:
            return self.view(name, sql)
        stage = None if all_recipes else stage_of_table().get(name)
        recipe = self.current_recipes().get(stage) if stage else None
        view = f"SELECT * FROM source WHERE recipe = {quoted([recipe])}" if recipe else "SELECT * FROM source"
        builder = QueryBuilder().register("source", self._required(name))
        return plain(arrow_of(builder.execute(f"WITH t AS ({view}) {sql}")))

    def view(self, name: str, sql: str = "SELECT * FROM t", recipes: Mapping[str, str] | None = None) -> pa.Table:
        """Run SQL over one of `schemas.views`, called `t`, and return its rows.

        `recipes` are the recipes by stage whose rows count, in place of the current ones. A table that the lake does
        not have yet has no rows.

        Raises:
            LakeUnreadable: the lake has no table at all.
        """
        self.tables()
        builder = QueryBuilder()
        text = VIEWS[name].rendered(self._source_in(builder, recipes))
        return plain(arrow_of(builder.execute(f"WITH t AS ({text}) {sql}")))

    def _source_in(self, builder: QueryBuilder, recipes: Mapping[str, str] | None) -> Callable[[str], str]:
        """Return a function that registers a table and returns what stands for it in the SQL of a view."""
        shown = self.current_recipes() if recipes is None else recipes
        registered = set[str]()

        def source(name: str) -> str:
            table = known_tables()[name.removesuffix("_all")]
            opened = self._open(table.name)
            if opened is None:
                return no_rows(table)
            if table.name not in registered:
                builder.register(f"table_{table.name}", opened)
                registered.add(table.name)
            missing = columns_missing(table, [field.name for field in opened.schema().fields])
            rows = f"SELECT *{missing} FROM table_{table.name}"
            recipe = shown.get(stage_of_table().get(name, ""))
            if recipe:
                rows += f" WHERE recipe = {quoted([recipe])}"
            if table.name == RECIPES.name and recipes is not None:
                rows += f" WHERE recipe IN ({quoted(recipes.values())})"
            return f"({rows})"

        return source

    def columns(self, name: str) -> list[str]:
        """Return the names of the table's columns, which are fewer in a lake of an earlier version."""
        return [field.name for field in self._required(name).schema().fields]

    def dataset(self, name: str) -> "ds.Dataset | pa.Table":
        """Return all rows of the table for Arrow; those of a table with deletion vectors are read at once.

        Raises:
            LakeUnreadable: the table does not exist yet.
        """
        table = self._required(name)
        if not is_plain(table):
            return plain(arrow_of(QueryBuilder().register("t", table).execute("SELECT * FROM t")))
        return table.to_pyarrow_dataset()

    def optional(self, name: str, sql: str) -> list[Row]:
        """Return `query`'s rows, or none when the table does not exist yet."""
        return self.query(name, sql) if self.has(name) else []

    def _required(self, name: str) -> DeltaTable:
        table = self._open(name)
        if table is None:
            raise LakeUnreadable(f"{self.uri} has no table {name} yet; run the stage that writes it first.")
        return table

    def _open(self, name: str) -> DeltaTable | None:
        if name not in self._opened:
            location = f"{self._root}/{name}"
            require_whole_log(location)
            there = DeltaTable.is_deltatable(location, storage_options=self._options)
            version = self._versions.get(name)
            table = DeltaTable(location, version=version, storage_options=self._options) if there else None
            if table is not None:
                require_present_names(table, location)
            self._opened[name] = table
        return self._opened[name]


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value
