"""The definition of a view: a named query over a lake's tables, in the SQL that Spark and DataFusion share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.table import Table

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SCALARS = frozenset(("string", "boolean", "int", "bigint", "double", "date", "timestamp"))


@dataclass(frozen=True)
class View:
    """A named query over a lake's tables; `columns` holds a comment for each of its columns, in order.

    In `sql`, `{qa_statistics}` stands for the rows of a table's current recipe, or for all of a table without recipes,
    and `{qa_statistics_all}` for those of all recipes.
    """

    name: str
    comment: str
    columns: Mapping[str, str]
    sql: str

    @property
    def reads(self) -> frozenset[str]:
        """Return the names of the tables that it reads, with `_all` where it reads all recipes."""
        return frozenset(_PLACEHOLDER.findall(self.sql))

    def rendered(self, source: Callable[[str], str]) -> str:
        """Return the SQL with what `source` gives for each of these names put in."""
        return _PLACEHOLDER.sub(lambda found: source(found[1]), self.sql).strip()


def columns_missing(table: Table, there: list[str]) -> str:
    """Return the start of a SELECT list: the plain columns that a table of an earlier version lacks, as nulls."""
    missing = [field for field in table.schema.fields if field.name not in there]
    plain = [field for field in missing if field.dataType.simpleString() in _SCALARS]
    return "".join(f", CAST(NULL AS {field.dataType.simpleString()}) AS {field.name}" for field in plain)


def no_rows(table: Table) -> str:
    """Return a query with the plain columns of a table and no row, for a lake that does not have the table yet."""
    return f"(SELECT {columns_missing(table, [])[2:]} WHERE 1 = 0)"
