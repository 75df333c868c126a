"""A lake: a folder or object-store prefix with one Delta table per name."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from delta.tables import DeltaTable
from deltalake import Schema as DeltaSchema
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DataType, StructField, StructType

from jobs.engine import commits
from jobs.engine.arrow import collected, table_of
from jobs.engine.delta_log import (
    count_rows,
    is_plain,
    is_table,
    matching_rows,
    opened,
    require_present_names,
)
from jobs.engine.errors import LakeUnreadable
from jobs.engine.locks import creating
from jobs.engine.small.pool import usable_cores
from schemas.operations import STAGE_RUNS
from schemas.table import Table
from udfs.storage.locations import has_scheme

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_HASHES = ("entry_id", "image_id", "qa_id", "example_id")


@dataclass(frozen=True)
class Lake:
    """Where tables and checkpoints are.

    `uri` is a local folder or an `s3a://` prefix; `checkpoint_uri` is never inside a table. `spark` is the session, or,
    for a lake of this machine alone, what starts one as soon as something needs it.
    """

    spark: SparkSession | Callable[[], SparkSession]
    uri: str
    checkpoint_uri: str

    @cached_property
    def session(self) -> SparkSession:
        """Return the Spark session, which starts if it has not yet."""
        return self.spark if isinstance(self.spark, SparkSession) else self.spark()

    @property
    def uses_spark(self) -> bool:
        """Return whether there is a Spark session already."""
        return isinstance(self.spark, SparkSession) or "session" in self.__dict__

    @property
    def cores(self) -> int:
        """Return how many tasks run at the same time."""
        return self.session.sparkContext.defaultParallelism if self.uses_spark else usable_cores()

    def location(self, table: Table) -> str:
        """Return the table's URI."""
        return f"{self.uri}/{table.name}"

    @property
    def commits_itself(self) -> bool:
        """Return whether few rows are committed without Spark: to a local folder, in a session of this machine alone.

        Elsewhere the platform's Delta, its log store and its rights are those that count.
        """
        if has_scheme(self.uri):
            return False
        return not self.uses_spark or (self.session.conf.get("spark.master", "") or "").startswith("local[")

    def exists(self, table: Table) -> bool:
        """Return whether the table has been created."""
        return is_table(self.location(table))

    def ensure(self, table: Table) -> None:
        """Create the table with its comments and checks if it is missing, or finish a creation that was killed.

        Adds columns that an earlier version lacked, null in existing rows, and makes columns nullable that now may be
        null. Properties of our own that an earlier version lacked are added too.

        Raises:
            LakeUnreadable: the table names a field as no released version does.
        """
        with creating(self.uri):
            if self._is_current(table):
                return
            if self.exists(table):
                self._add_columns(table)
            else:
                self._create(table)
            if self._is_current(table):
                return
            place = f"delta.`{self.location(table)}`"
            own = {name: value for name, value in table.properties.items() if not name.startswith("delta.")}
            held = self._properties(table) if table.checks or own else {}
            for name, value in own.items():
                if name not in held:
                    self.session.sql(f"ALTER TABLE {place} SET TBLPROPERTIES ('{name}' = '{value}')")
            for name in sorted(table.checks):
                if f"{commits.CONSTRAINT}{name}" not in held:
                    self.session.sql(f"ALTER TABLE {place} ADD CONSTRAINT {name} CHECK ({table.checks[name]})")

    def _create(self, table: Table) -> None:
        self._remove_empty_log(table)
        if self.commits_itself:
            commits.create(table, self.location(table), _properties_of(table))
            return
        builder = (
            DeltaTable.createIfNotExists(self.session)
            .location(self.location(table))
            .addColumns(StructType(list(table.schema.fields)))
            .comment(table.comment)
        )
        if table.partition_by:
            builder = builder.partitionedBy(*table.partition_by)
        for name, value in _properties_of(table).items():
            builder = builder.property(name, value)
        builder.execute()

    def _is_current(self, table: Table) -> bool:
        """Return whether the table is there with all columns, checks and properties, asked without Spark."""
        held = opened(self.location(table))
        if held is None:
            return False
        there = StructType.fromJson(json.loads(held.schema().to_json()))
        configuration = held.metadata().configuration
        wanted = [name for name in table.properties if not name.startswith("delta.")]
        wanted += [f"{commits.CONSTRAINT}{name}" for name in table.checks]
        required = {field.name for field in there.fields if not field.nullable}
        return (
            _places(table.schema) <= _places(there)
            and not any(field.nullable and field.name in required for field in table.schema.fields)
            and all(name in configuration for name in wanted)
        )

    def _add_columns(self, table: Table) -> None:
        held = opened(self.location(table))
        if held is None:
            return
        there = StructType.fromJson(json.loads(held.schema().to_json()))
        require_present_names(held, self.location(table))
        missing = StructType([_nullable(field) for field in table.schema.fields if field.name not in there.names])
        are_whole = _places(table.schema) <= _places(there) | _places(missing)
        if missing.fields and are_whole and self.commits_itself and is_plain(held):
            held.alter.add_columns(DeltaSchema.from_json(missing.json()).fields)
        elif not _places(table.schema) <= _places(there):
            nothing = self.session.createDataFrame([], StructType([_nullable(field) for field in table.schema.fields]))
            nothing.write.format("delta").mode("append").option("mergeSchema", "true").save(self.location(table))
        required = {field.name for field in there.fields if not field.nullable}
        for name in (field.name for field in table.schema.fields if field.nullable and field.name in required):
            self.session.sql(f"ALTER TABLE delta.`{self.location(table)}` ALTER COLUMN `{name}` DROP NOT NULL")

    def _remove_empty_log(self, table: Table) -> None:
        """Remove the log of a table whose creation was killed before a commit, since Delta takes it for a table."""
        log = f"{self.location(table)}/_delta_log"
        if has_scheme(self.uri):
            self.remove(log)
        else:
            shutil.rmtree(log, ignore_errors=True)

    def remove(self, uri: str) -> None:
        """Remove a folder, if it is there, with all that is in it."""
        session: Any = self.session
        folder = session._jvm.org.apache.hadoop.fs.Path(uri)
        folder.getFileSystem(session._jsparkSession.sessionState().newHadoopConf()).delete(folder, True)

    def _properties(self, table: Table) -> dict[str, str]:
        return DeltaTable.forPath(self.session, self.location(table)).detail().collect()[0]["properties"]

    def read(self, table: Table) -> DataFrame:
        """Return the table.

        Raises:
            LakeUnreadable: the table does not exist yet; the message names the stage to run.
        """
        self.require(table)
        return self.session.read.format("delta").load(self.location(table))

    def require(self, table: Table) -> None:
        """Check that the table has been created.

        Raises:
            LakeUnreadable: it does not exist yet; the message names the stage to run.
        """
        if not self.exists(table):
            raise LakeUnreadable(f"{self.uri} has no table {table.name} yet; {_remedy(table)} writes it.")

    def dataset(self, table: Table) -> "ds.Dataset":
        """Return the table for Arrow, without Spark.

        Raises:
            LakeUnreadable: the table does not exist yet; the message names the stage to run.
        """
        held = opened(self.location(table))
        if held is None:
            self.require(table)
            raise FileNotFoundError(self.location(table))
        return held.to_pyarrow_dataset()

    def stream(self, table: Table, **options: Any) -> DataFrame:
        """Return the table as a stream of appended rows."""
        return self.session.readStream.format("delta").options(**options).load(self.location(table))

    def append_records(self, table: Table, records: Sequence[Mapping[str, Any]], app_id: str, version: int) -> None:
        """Append rows that the driver has, once, as `append` does."""
        if self.commits_itself:
            commits.append(self.location(table), table, lambda _: table_of(records, table), app_id, version)
        else:
            rows = [tuple(record[name] for name in table.columns) for record in records]
            self.append(table, self.session.createDataFrame(rows, table.schema), app_id, version)

    def append(self, table: Table, rows: DataFrame, app_id: str, version: int, is_small: bool = False) -> None:
        """Append rows once: a second append with the same application id and version is ignored.

        `is_small` says that the driver has room for the rows.
        """
        rows = rows.select(*table.columns)
        if is_small and self.commits_itself and not table.partition_by:
            files = self.session.sparkContext.defaultParallelism
            commits.append(self.location(table), table, partial(collected, rows, table), app_id, version, files)
            return
        if table.partition_by:
            # One task writes a whole partition, which gives few, large and reproducible files.
            by = table.partition_by
            rows = rows.repartition(*by).sortWithinPartitions(*by, *table.key)
        writer = rows.write.format("delta").mode("append").option("txnAppId", app_id).option("txnVersion", version)
        if table.rows_per_file:
            writer = writer.option("maxRecordsPerFile", table.rows_per_file)
        writer.save(self.location(table))

    def replace_rows(
        self, table: Table, rows: DataFrame, app_id: str, version: int, inside: str, is_small: bool = False
    ) -> None:
        """Replace the rows for which a condition holds with `rows`, once per application id and version.

        No rows replace nothing. `is_small` says that the driver has room for the rows.
        """
        if is_small and self.commits_itself and not count_rows(self.location(table), inside):
            self.append(table, rows, app_id, version, is_small)
            return
        if rows.isEmpty():
            # The commit shows that the micro-batch is done.
            self.append_records(table, [], app_id, version)
            return
        (
            rows.select(*table.columns)
            .write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", inside)
            .option("txnAppId", app_id)
            .option("txnVersion", version)
            .save(self.location(table))
        )

    def rows_seen(self, stage: str, recipe: str) -> int:
        """Return how many rows the stage has read so far under this recipe."""
        runs = matching_rows(self.location(STAGE_RUNS), {"stage": stage, "recipe": recipe}, ["rows_in"])
        return sum(run["rows_in"] for run in runs)

    def version(self, table: Table) -> int:
        """Return the table's latest version; -1 where there is no table."""
        held = opened(self.location(table))
        return -1 if held is None else held.version()


def _properties_of(table: Table) -> dict[str, str]:
    """Return the properties with which a table is created, its checks among them."""
    return {
        # A stream that lags behind a cleaned log would silently lose rows.
        "delta.logRetentionDuration": "interval 60 days",
        "delta.deletedFileRetentionDuration": "interval 30 days",
        "delta.dataSkippingStatsColumns": ",".join(_skipping_columns(table)),
        # Readers downstream learn of rows that a takedown removes; rows that are added cost nothing more.
        "delta.enableChangeDataFeed": "true",
        **table.properties,
        **{f"{commits.CONSTRAINT}{name}": check for name, check in table.checks.items()},
    }


def _places(kind: DataType, above: str = "") -> set[str]:
    """Return the dotted names of all fields of a type."""
    if isinstance(kind, ArrayType):
        return _places(kind.elementType, f"{above}element.")
    if not isinstance(kind, StructType):
        return set()
    own = {f"{above}{field.name}" for field in kind.fields}
    return own.union(*(_places(field.dataType, f"{above}{field.name}.") for field in kind.fields))


def _remedy(table: Table) -> str:
    listed = " --crawl DIR_OR_URI" if table.stage == "ingest" else ""
    return f"`spatiallake {table.stage or 'run'}{listed} --lake LAKE`"


def _nullable(field: StructField) -> StructField:
    return StructField(field.name, field.dataType, True, field.metadata)


def _skipping_columns(table: Table) -> list[str]:
    # Statistics on blobs and texts cost time and skip no file; hashes span their whole range in every file.
    wanted = dict.fromkeys((*table.cluster_by, *table.key))
    return [name for name in wanted if name in table.columns and name not in (*_HASHES, *table.partition_by)]
