"""Arrow and the lake's tables: schemas of stage outputs, and rows that the driver has."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, StructField, StructType

from schemas.operations import REJECT
from schemas.table import Table

BatchFunction = Callable[[Iterator[pa.RecordBatch], pa.Schema], Iterator[pa.RecordBatch]]


def output_type(table: Table, extra: tuple[StructField, ...] = ()) -> StructType:
    """Return the table's schema with every column nullable, `extra` columns and `rejects`."""
    columns = [StructField(field.name, field.dataType, True) for field in table.schema.fields]
    return StructType([*columns, *extra, StructField("rejects", ArrayType(REJECT), True)])


def map_batches(
    df: DataFrame, function: BatchFunction, spark_type: StructType, profile: ResourceProfile | None = None
) -> DataFrame:
    """Apply `function(batches, arrow_schema)` on executors; the result has `spark_type`; tasks run with `profile`."""
    arrow_schema = to_arrow_schema(spark_type)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return function(iter(batches), arrow_schema)

    return df.mapInArrow(run, spark_type, profile=profile)


def table_of(records: Sequence[Mapping[str, Any]], table: Table) -> pa.Table:
    """Return records with the columns of a table as Arrow rows."""
    return pa.Table.from_pylist([dict(record) for record in records], schema=to_arrow_schema(table.schema))


def conditions_met(rows: pa.Table, table: Table, checks: Mapping[str, str]) -> pa.Table:
    """Return a table's rows if all satisfy its conditions, as Delta checks them.

    Raises:
        ValueError: a row does not.
    """
    if not checks or not len(rows):
        return rows
    import duckdb  # it takes longer to import than most commits

    with duckdb.connect() as engine:
        engine.register("rows", rows)
        for name, check in checks.items():
            found = engine.execute(f"SELECT count(*) FROM rows WHERE ({check}) IS NOT TRUE").fetchone()
            if found and found[0]:
                raise ValueError(f"CHECK constraint {name} ({check}) of table {table.name} is violated.")
    return rows


def collected(rows: DataFrame, table: Table, checks: Mapping[str, str]) -> pa.Table:
    """Return a table's rows from Spark, in one job, which a row that breaks a check by name ends, as in Delta."""
    for name, check in checks.items():
        broken = F.raise_error(F.lit(f"CHECK constraint {name} ({check}) of table {table.name} is violated."))
        rows = rows.where(F.when(F.expr(check), F.lit(True)).otherwise(broken))
    return rows.toArrow().cast(to_arrow_schema(table.schema))
