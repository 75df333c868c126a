"""Lakes from Python: tables and views as pandas, Arrow or Spark, of the current recipe unless all are asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.engine.errors import UsageError
from jobs.views.reader import LakeReader
from schemas.views import VIEWS

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame


class OpenLake:
    """One lake, each table at the version that it had when it was first read."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._reader = LakeReader(uri)

    def __repr__(self) -> str:
        return f"OpenLake({self.uri!r})"

    def tables(self) -> list[str]:
        """Return the names of the tables that the lake has."""
        return self._reader.tables()

    def views(self) -> dict[str, str]:
        """Return the names of the views that every lake has, and what each shows."""
        return {name: view.comment for name, view in VIEWS.items()}

    def read(
        self, name: str, columns: Sequence[str] | None = None, where: str | None = None, all_recipes: bool = False
    ) -> "pd.DataFrame":
        """Return a table or view as pandas, without Spark.

        `where` is a SQL condition on its columns, such as `"type_id = 'N01'"`.

        Raises:
            SpatialLakeError: the lake does not have the table.
        """
        return self.arrow(name, columns, where, all_recipes).to_pandas()

    def arrow(
        self, name: str, columns: Sequence[str] | None = None, where: str | None = None, all_recipes: bool = False
    ) -> pa.Table:
        """Return a table or view as Arrow, without Spark; the arguments are those of `read`.

        Raises:
            SpatialLakeError: the lake does not have the table.
        """
        _require_recipes(name, all_recipes)
        selected = ", ".join(f'"{column}"' for column in columns) if columns else "*"
        condition = f" WHERE {where}" if where else ""
        return self._reader.arrow(name, f"SELECT {selected} FROM t{condition}", all_recipes)

    def spark(self, name: str, all_recipes: bool = False, master: str | None = None) -> "DataFrame":
        """Return a table or view as a Spark DataFrame; a session starts on `master` unless there is one.

        Raises:
            SpatialLakeError: the lake does not have the table, or Spark cannot start.
        """
        from jobs.engine.pipeline import open_lake as open_spark_lake
        from jobs.engine.settings import load_settings
        from jobs.views.sql import register_views

        lake = open_spark_lake(load_settings({"lake": self.uri, "master": master}, None, []), to_write=False)
        _require_recipes(name, all_recipes)
        if name not in VIEWS:
            self._reader.version(name)
        view = f"{name}_all" if all_recipes else name
        register_views(lake.session, lake.uri, view)
        return lake.session.table(view)


def _require_recipes(name: str, all_recipes: bool) -> None:
    if all_recipes and name in VIEWS:
        raise UsageError(f"{name} is a view of the current recipes; leave out all_recipes, or read answers_by_recipe.")


def open_lake(uri: str) -> OpenLake:
    """Open a lake to read its tables.

    `uri` is a local folder or an `s3://` prefix; credentials and endpoint come from the usual `AWS_*` variables.
    """
    return OpenLake(str(uri))
