"""The definition of a lake table: its Spark schema, key, clustering and checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql.types import BinaryType, DataType, LongType, StringType, StructField, StructType

from schemas.version import ENGINE_VERSION as ENGINE_VERSION


@dataclass(frozen=True)
class Table:
    """One Delta table of the lake.

    `stage` names the stage that writes it; None: the engine itself. `key` names the columns that
    identify a row, `cluster_by` those whose file statistics let readers skip files, and `checks`
    holds Delta CHECK constraints by name. `partition_by`, `properties` (Delta's) and the maximum
    `rows_per_file` are for tables that readers other than Spark read file by file.
    """

    name: str
    comment: str
    schema: StructType
    key: tuple[str, ...]
    stage: str | None = None
    cluster_by: tuple[str, ...] = ("ingest_shard",)
    checks: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    rows_per_file: int | None = None

    @property
    def columns(self) -> list[str]:
        """Column names in table order."""
        return self.schema.fieldNames()

    @property
    def holds_files(self) -> bool:
        """Return whether a row may hold an image or a map as a file."""
        return any(isinstance(field.dataType, BinaryType) for field in self.schema.fields)


def column(name: str, data_type: DataType, comment: str, nullable: bool = True) -> StructField:
    """Return a column whose comment states its unit and frame."""
    return StructField(name, data_type, nullable, {"comment": comment})


def lineage() -> list[StructField]:
    """Return the last columns of every table that a stage writes."""
    return [
        column("recipe", StringType(), "hash of stage, model, revision, settings and upstream recipe", False),
        column("ingest_shard", LongType(), "ingest shard of the image; joins and file skipping use it", False),
        column("engine_version", StringType(), "version of spatiallake that wrote the row", False),
    ]
