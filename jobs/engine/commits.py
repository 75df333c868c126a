"""Commits to tables of a local lake without Spark, which plans for about a second over every commit, however small.

The files are what Spark would write: Parquet with checksums of pages, statistics in the log, and Hadoop's checksum
beside the log's entry.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.transaction import AddAction, RemoveAction
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine.delta_log import arrow_of, hadoop_checksum, opened
from schemas.table import Table

if TYPE_CHECKING:
    import pyarrow.dataset as ds

CONSTRAINT = "delta.constraints."
_MIN_ROWS_PER_FILE = 2
Action = AddAction | RemoveAction
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
    location: str,
    table: Table,
    rows_under: Callable[[Mapping[str, str]], pa.Table],
    app_id: str,
    version: int,
    files: int | str = 1,
) -> None:
    """Append rows to a table that is there, once per application id and version; no rows leave a commit all the same.

    `rows_under` makes them, given the conditions by name that every row of the table keeps; a repeated commit does not
    call it. They lie in at most so many `files`, which as many tasks can read, or in one for each value of the column
    of this name; those of a table with partitions lie as these and its `rows_per_file` say.

    Raises:
        ValueError: a column that must hold values lacks one.
    """

    def actions(held: DeltaTable, names: list[str]) -> list[Action]:
        rows = rows_under(_conditions(held))
        return [*_added(Path(location), table, _parts(rows, table, files), names)]

    _commit_once(location, app_id, version, actions)


def replace(location: str, table: Table, rows: pa.Table, app_id: str, version: int, old: "ds.Expression") -> None:
    """Put rows in the place of the `old` ones of a table, once per application id and version, in one commit.

    Files with some old rows are written again without them.
    """

    def actions(held: DeltaTable, names: list[str]) -> list[Action]:
        return _instead(held, location, table, rows, old, names)

    _commit_once(location, app_id, version, actions)


def delete(location: str, table: Table, old: "ds.Expression") -> None:
    """Remove the `old` rows of a table, in one commit; files with some of them are written again without them."""
    held = opened(location)
    actions = [] if held is None else _instead(held, location, table, None, old, _logged_columns(held))
    if held is not None and actions:
        _commit(held, location, actions)


def remove_files(location: str, names: Collection[str]) -> None:
    """Remove the files of these names from a table, as far as they are still part of it, in one commit."""
    held = opened(location)
    if held is None:
        return
    live: list[Action] = [removal for path, removal in _live(held).items() if path.rpartition("/")[2] in names]
    if live:
        _commit(held, location, live)


def _commit_once(
    location: str,
    app_id: str,
    version: int,
    actions: Callable[[DeltaTable, list[str]], list[Action]],
) -> None:
    held = opened(location)
    if held is None:
        raise FileNotFoundError(f"There is no table at {location}.")
    last = held.transaction_version(app_id)
    if last is None or last < version:
        once = CommitProperties(app_transactions=[Transaction(app_id, version, _milliseconds())])
        _commit(held, location, actions(held, _logged_columns(held)), once)


def _commit(held: DeltaTable, location: str, actions: list[Action], once: CommitProperties | None = None) -> None:
    before = held.version()
    partitions = held.metadata().partition_columns
    held.create_write_transaction(actions, "append", held.schema(), partitions, commit_properties=once)
    held.update_incremental()
    # More than one where another command committed at the same moment.
    for number in range(before + 1, held.version() + 1):
        _checksum_entry(location, number)


def _instead(
    held: DeltaTable, location: str, table: Table, rows: pa.Table | None, old: "ds.Expression", names: list[str]
) -> list[Action]:
    live, removed, kept = _live(held), list[RemoveAction](), [] if rows is None else [rows]
    schema = to_arrow_schema(table.schema)
    for fragment in held.to_pyarrow_dataset().get_fragments():
        if fragment.count_rows(filter=old):
            removed += [live[path] for path in live if fragment.path.endswith(unquote(path))]
            kept.append(fragment.to_table(filter=~old).select(table.columns).cast(schema))
    parts = _parts(pa.concat_tables(kept), table, 1) if kept else ()
    return [*removed, *_added(Path(location), table, parts, names)]


def _logged_columns(held: DeltaTable) -> list[str]:
    return held.metadata().configuration.get("delta.dataSkippingStatsColumns", "").split(",")


def _conditions(held: DeltaTable) -> dict[str, str]:
    properties = held.metadata().configuration
    return {name.removeprefix(CONSTRAINT): properties[name] for name in properties if name.startswith(CONSTRAINT)}


def _live(held: DeltaTable) -> dict[str, RemoveAction]:
    """Return what removes each file of a table, by the file's path in the table's folder."""
    partition = "partition."
    found = {}
    for row in arrow_of(held.get_add_actions(flatten=True)).to_pylist():
        values = {name.removeprefix(partition): row[name] for name in row if name.startswith(partition)}
        found[row["path"]] = RemoveAction(
            path=row["path"],
            data_change=True,
            deletion_timestamp=_milliseconds(),
            size=row["size_bytes"],
            partition_values={name: None if value is None else str(value) for name, value in values.items()},
        )
    return found


def _parts(rows: pa.Table, table: Table, files: int | str) -> Iterator[tuple[dict[str, str], pa.Table]]:
    """Yield what each new file holds: the values of its partition, and its rows without these columns."""
    if not len(rows):
        return
    by = table.partition_by or ((files,) if isinstance(files, str) else ())
    if not by:
        size = max(-(-len(rows) // int(files)), _MIN_ROWS_PER_FILE)
        yield from (({}, rows[start : start + size]) for start in range(0, len(rows), size))
        return
    rows = rows.sort_by([(name, "ascending") for name in (*by, *table.key)])
    size = table.rows_per_file or len(rows)
    keys = pa.table({name: rows[name] for name in by}).to_pylist()
    start = 0
    for place in range(1, len(keys) + 1):
        if place == len(keys) or keys[place] != keys[start] or place - start == size:
            values = {name: str(value) for name, value in keys[start].items()} if table.partition_by else {}
            yield values, rows[start:place].drop_columns(list(values))
            start = place


def _added(
    folder: Path, table: Table, parts: Iterable[tuple[dict[str, str], pa.Table]], logged: list[str]
) -> list[AddAction]:
    added = []
    for values, rows in parts:
        place = "".join(f"{name}={value}/" for name, value in values.items())
        path = f"{place}part-00000-{uuid4()}-c000.snappy.parquet"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, folder / path, compression="snappy", write_page_checksum=True)
        names = [name for name in logged if name in rows.column_names]
        added.append(
            AddAction(
                path=path,
                size=(folder / path).stat().st_size,
                partition_values=dict(values),
                modification_time=_milliseconds(),
                data_change=True,
                stats=json.dumps(_statistics(rows, names)),
            )
        )
    return added


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
