"""Keeps a lake's tables fast to read: few large files sorted by ingest shard, no files of old versions, short logs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from deltalake import DeltaTable
from pyarrow import fs
from pyspark.sql import SparkSession

from jobs.engine.checkpoints import interrupted_checkpoints
from jobs.engine.delta_log import arrow_of, opened
from jobs.engine.errors import UsageError
from jobs.engine.going_live import shown_uri
from jobs.engine.joining import try_set
from jobs.engine.lake import Lake
from jobs.engine.recipe_table import recipe_book
from jobs.engine.recovery import recover
from jobs.engine.stage import Stage
from jobs.views.reader import known_tables
from schemas.images import CRAWL
from schemas.table import Table
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized

# Delta's own limit: a reader or a writer may still need files that were replaced since.
MIN_RETENTION_HOURS = 168.0
# Micro-batches are of whole files, so files stay far below Spark's usual gigabyte.
_MAX_FILE_BYTES, _SMALL_FILE_BYTES, _MIN_SMALL_FILES = 128 * 2**20, 32 * 2**20, 8
_OPTIMIZE = {
    "spark.databricks.delta.optimize.maxFileSize": str(_MAX_FILE_BYTES),
    "spark.databricks.delta.optimize.minFileSize": str(_SMALL_FILE_BYTES),
}
# Tables keep files for 30 days unless told otherwise; no writer is at work, and readers have had a week.
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"
_LISTING_TASKS = "spark.sql.sources.parallelPartitionDiscovery.parallelism"


@dataclass(frozen=True)
class TableCare:
    """What maintenance found and did in a table: data files and bytes of the current version before and after.

    `vacuumed` is the number of files of old versions that were deleted.
    """

    table: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    vacuumed: int


def maintain(
    lake: Lake, stages: Mapping[str, Stage], retention_hours: float, dry_run: bool = False
) -> Iterator[TableCare]:
    """Compact and vacuum every table, write a checkpoint of its log, and yield what was done.

    No row changes. The caller holds the locks of all stages. With `dry_run`, nothing is written, and tables are yielded
    as they are.

    Raises:
        UsageError: a retention under seven days, or a stage that was killed in the middle of a micro-batch.
    """
    if retention_hours < MIN_RETENTION_HOURS:
        raise UsageError(
            f"A retention of {retention_hours:g} hours would delete files that readers may be using; give at least "
            f"{MIN_RETENTION_HOURS:g} hours. To remove images at once, see `spatiallake takedown`."
        )
    if not dry_run:
        _settle(lake, stages)
    with vacuum_options(lake.session, _OPTIMIZE):
        for _, table in sorted(known_tables().items()):
            if lake.exists(table):
                yield _cared_for(lake, table, retention_hours, dry_run)
    if not dry_run:
        _drop_old_checkpoints(lake, retention_hours)


def needs_compaction(table: Table, held: DeltaTable) -> bool:
    """Return whether a table has so many small files that fewer, larger ones would be faster to read.

    Files of `crawl` and of tables whose readers count on their layout stay as they are.
    """
    if table.name == CRAWL.name or table.rows_per_file or table.partition_by:
        return False
    sizes = arrow_of(held.get_add_actions(flatten=True))["size_bytes"].to_pylist()
    return sum(size < _SMALL_FILE_BYTES for size in sizes) >= _MIN_SMALL_FILES


def _settle(lake: Lake, stages: Mapping[str, Stage]) -> None:
    """Take back what killed backfills left half-done; refuse where a stream will repeat a micro-batch.

    Both find the rows of a micro-batch by the names of its files, which compaction changes.
    """
    left = interrupted_checkpoints(lake)
    if left:
        raise UsageError(
            f"Stage {left[0].partition('-')[0]} was killed in the middle of a micro-batch; finish it with "
            f"`spatiallake run --lake {shown_uri(lake)}` first."
        )
    for stage in stages.values():
        recover(lake, stage, streaming=False)


def _cared_for(lake: Lake, table: Table, retention_hours: float, dry_run: bool) -> TableCare:
    location = lake.location(table)
    held = opened(location)
    if held is None:
        raise ValueError(f"There is no table {table.name}.")
    files, size = _files_and_bytes(held)
    if dry_run:
        old = _old_files(held, retention_hours)
        return TableCare(table.name, files, files, size, size, old)
    if needs_compaction(table, held):
        columns = ", ".join(f"`{name}`" for name in table.cluster_by if name in table.columns)
        order = f" ZORDER BY ({columns})" if columns else ""
        lake.session.sql(f"OPTIMIZE delta.`{location}`{order}")
    old = _old_files(held, retention_hours)
    lake.session.sql(f"VACUUM delta.`{location}` RETAIN {int(retention_hours)} HOURS")
    after = opened(location) or held
    # Spark removes entries before a checkpoint once they are old; the newest one has to stay.
    after.create_checkpoint()
    return TableCare(table.name, files, len(after.file_uris()), size, _files_and_bytes(after)[1], old)


def _old_files(held: DeltaTable, retention_hours: float) -> int:
    """Return how many files a vacuum would delete, those that no version names among them."""
    return len(held.vacuum(int(retention_hours), dry_run=True, enforce_retention_duration=False, full=True))


def _files_and_bytes(held: DeltaTable) -> tuple[int, int]:
    sizes = arrow_of(held.get_add_actions(flatten=True))["size_bytes"].to_pylist()
    return len(sizes), sum(sizes)


def _drop_old_checkpoints(lake: Lake, retention_hours: float) -> None:
    """Remove the checkpoints of recipes that are not shown and were not followed for long.

    Without a checkpoint, a recipe that is shown again looks at every key once more.
    """
    current = set(recipe_book(lake).current().values())
    root = normalized(lake.checkpoint_uri)
    files, limit = filesystem_of(root), datetime.now(UTC) - timedelta(hours=retention_hours)
    for folder in files.get_file_info(fs.FileSelector(path_of(root), allow_not_found=True)):
        recipe = folder.base_name.rpartition("-")[2]
        if folder.type != fs.FileType.Directory or recipe in current:
            continue
        inside = files.get_file_info(fs.FileSelector(folder.path, recursive=True))
        times = [one.mtime for one in inside if one.type == fs.FileType.File and one.mtime is not None]
        if times and max(times) < limit:
            files.delete_dir(folder.path)


@contextmanager
def vacuum_options(session: SparkSession, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Let VACUUM delete files that are young, and set `more` options, until the end of the block.

    On one machine, VACUUM lists files in few tasks instead of 10,000.
    """
    options = {**more, _RETENTION_CHECK: "false"}
    if (session.sparkContext.master or "").startswith("local"):
        options[_LISTING_TASKS] = "4"
    before = {name: session.conf.get(name, None) for name in options}
    for name, value in options.items():
        try_set(session, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            try_set(session, name, value) if value is not None else session.conf.unset(name)
