"""Commits to tables of a local lake without Spark, which plans for about a second over every commit, however small.

The files are what Spark would write: Parquet with checksums of pages, statistics in the log, and Hadoop's checksum
beside the log's entry.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.transaction import AddAction, RemoveAction

from jobs.engine.delta_log import hadoop_checksum, opened
from schemas.table import Table

CONSTRAINT = "delta.constraints."
_MIN_ROWS_PER_FILE = 2
_ORDERED = (pa.types.is_integer, pa.types.is_string, pa.types.is_timestamp, pa.types.is_date)


def create(table: Table, location: str, properties: Mapping[str, str]) -> None:
    """Create a table with its comments and properties, unless it is there."""
    created = DeltaTable.create(
        location,
        Schema.from_json(table.schema.json()),
        mode="ignore",
        partition_by=list(table.partition_by),
        description=table.comment,
        configuration=dict(properties),
        raise_if_key_not_exists=False,
    )
    _checksum_entry(location, created.version())


def append(
    location: str, rows_under: Callable[[Mapping[str, str]], pa.Table], app_id: str, version: int, max_files: int = 1
) -> None:
    """Append rows to a table that is there, once per application id and version; no rows leave a commit all the same.

    `rows_under` makes them, given the conditions by name that every row of the table keeps; a repeated commit does not
    call it. They lie in at most `max_files` files, which as many tasks can read.

    Raises:
        ValueError: a column that must hold values lacks one.
    """
    held = opened(location)
    if held is None:
        raise FileNotFoundError(f"There is no table at {location}.")
    last = held.transaction_version(app_id)
    if last is not None and last >= version:
        return
    properties = held.metadata().configuration
    rows = rows_under(
        {name.removeprefix(CONSTRAINT): properties[name] for name in properties if name.startswith(CONSTRAINT)}
    )
    logged = properties.get("delta.dataSkippingStatsColumns", "").split(",")
    names = [name for name in logged if name in rows.column_names]
    size = max(-(-len(rows) // max_files), _MIN_ROWS_PER_FILE)
    parts = (rows[start : start + size] for start in range(0, len(rows), size))
    added: list[AddAction | RemoveAction] = [_write(Path(location), part, names) for part in parts]
    once = CommitProperties(app_transactions=[Transaction(app_id, version, _milliseconds())])
    before = held.version()
    held.create_write_transaction(added, "append", held.schema(), commit_properties=once)
    held.update_incremental()
    # More than one where another command committed at the same moment.
    for number in range(before + 1, held.version() + 1):
        _checksum_entry(location, number)


def _write(folder: Path, rows: pa.Table, logged: list[str]) -> AddAction:
    name = f"part-00000-{uuid4()}-c000.snappy.parquet"
    pq.write_table(rows, folder / name, compression="snappy", write_page_checksum=True)
    return AddAction(
        path=name,
        size=(folder / name).stat().st_size,
        partition_values={},
        modification_time=_milliseconds(),
        data_change=True,
        stats=json.dumps(_statistics(rows, logged)),
    )


def _statistics(rows: pa.Table, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"numRecords": len(rows), "minValues": {}, "maxValues": {}, "nullCount": {}}
    for name in names:
        column = rows[name]
        # A column with a count and without a range would be taken for one that nothing equals.
        if any(fits(column.type) for fits in _ORDERED):
            found["nullCount"][name] = column.null_count
            if column.null_count < len(rows):
                extremes: Any = pc.call_function("min_max", [column])
                found["minValues"][name] = _logged(extremes["min"].as_py())
                found["maxValues"][name] = _logged(extremes["max"].as_py())
    return found


def _logged(value: Any) -> Any:
    """Return a value as the log states it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value


def _checksum_entry(location: str, version: int) -> None:
    """Write Hadoop's checksum beside an entry of the log, which shows if the entry is cut short later."""
    log = Path(location) / "_delta_log"
    content = (log / f"{version:020}.json").read_bytes()
    (log / f".{version:020}.json.crc").write_bytes(hadoop_checksum(content))


def _milliseconds() -> int:
    return int(time.time() * 1000)
