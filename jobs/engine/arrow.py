"""Arrow schemas of stage outputs: a table's columns, all nullable, plus the rejects of the row."""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame
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
