"""A version of a Delta table as plain Parquet: its live files and their row groups."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow import fs

from udfs.storage.clients import delta_options, filesystem_of, path_of
from udfs.storage.locations import normalized
from vlm.errors import SnapshotUnusable, first_line
from vlm.feed.log_statistics import differing_column
from vlm.feed.settings import FeedSettings

_READERS = 16
_REMEDY = "restore the file from a copy, or write the table anew with `spatiallake examples`."


@dataclass(frozen=True)
class RowGroup:
    """Row group `group` of the file at `path`, with its number of rows."""

    path: str
    group: int
    rows: int


@dataclass(frozen=True)
class Snapshot:
    """The row groups of one split and recipe of a pinned version, ordered by path.

    `digest` identifies the live files and their row counts.
    """

    table: str
    table_id: str
    version: int
    recipe: str
    split: str
    groups: tuple[RowGroup, ...]
    digest: str

    @property
    def rows(self) -> int:
        """Return the number of rows in an epoch."""
        return sum(group.rows for group in self.groups)


def open_snapshot(settings: FeedSettings) -> Snapshot:
    """Pin a version and return its row groups, each file checked against its size, rows and statistics in the log.

    Raises:
        SnapshotUnusable: the table, version, recipe or split does not exist, deletion vectors or mapped columns are in
            use, or a file is missing, unreadable, or another one than the log's.
    """
    uri = normalized(settings.table)
    table, actions = _opened(uri, settings.version)
    _refuse_features(table, uri)
    if not actions:
        raise SnapshotUnusable(f"Version {table.version()} of {uri} has no rows; run `spatiallake examples`.")
    if not {"partition.recipe", "partition.split"} <= actions[0].keys():
        raise SnapshotUnusable(f"{uri} is not a table that `spatiallake examples` wrote; name one with feed.table.")
    recipe = settings.recipe or _only_recipe(actions, uri)
    wanted = [("recipe", "=", recipe), ("split", "=", settings.split)]
    # delta-rs percent-encodes file names, also local ones.
    paths = sorted(path_of(unquote(file)) for file in table.file_uris(partition_filters=wanted))
    if not paths:
        held = sorted({f"{one['partition.split']} of {one['partition.recipe']}" for one in actions})
        raise SnapshotUnusable(
            f"Version {table.version()} of {uri} has no row with split {settings.split} and recipe {recipe}, only "
            f"{', '.join(held)}; choose with feed.split and feed.recipe, or run `spatiallake examples`."
        )
    logged = {_name(action["path"]): action for action in actions}
    read = partial(_groups_of, filesystem_of(uri), logged, f"version {table.version()} of {uri}")
    with ThreadPoolExecutor(_READERS) as pool:
        groups = tuple(group for groups in pool.map(read, paths) for group in groups)
    counts = [f"{_name(path)} {logged[_name(path)]['num_records']}" for path in paths]
    digest = hashlib.sha256("\n".join(counts).encode()).hexdigest()
    table_id = str(table.metadata().id)
    return Snapshot(uri, table_id, table.version(), recipe, settings.split, groups, digest)


def _opened(uri: str, version: int | None) -> tuple[DeltaTable, list[dict[str, Any]]]:
    try:
        table = DeltaTable(uri, version=version, storage_options=delta_options())
        return table, pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except TableNotFoundError as error:
        raise SnapshotUnusable(f"There is no Delta table at {uri}; create it with `spatiallake examples`.") from error
    except (DeltaError, OSError, ValueError) as error:  # delta-rs raises all of these on a torn log
        what = "The latest version" if version is None else f"Version {version}"
        raise SnapshotUnusable(
            f"{what} of {uri} cannot be opened ({first_line(error)}); name a version in the log, or omit feed.version."
        ) from None


def _refuse_features(table: DeltaTable, uri: str) -> None:
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if mode != "none":
        raise SnapshotUnusable(
            f"{uri} uses column mapping ({mode}), so its files name columns differently; rewrite the table with "
            "delta.columnMapping.mode=none."
        )
    if "deletionVectors" not in (table.protocol().reader_features or []):
        return
    deleted = pa.table(table.deletion_vectors())["filepath"].to_pylist()
    if deleted:
        raise SnapshotUnusable(
            f"Version {table.version()} of {uri} has deletion vectors in {len(deleted)} files, which Parquet readers "
            "ignore; run `REORG TABLE .. APPLY (PURGE)` and use the version after it."
        )


def _only_recipe(actions: list[dict[str, Any]], uri: str) -> str:
    recipes = sorted({str(action["partition.recipe"]) for action in actions})
    if len(recipes) != 1:
        raise SnapshotUnusable(f"{uri} holds the recipes {', '.join(recipes)}; choose one with feed.recipe.")
    return recipes[0]


def _groups_of(files: fs.FileSystem, logged: dict[str, dict[str, Any]], where: str, path: str) -> list[RowGroup]:
    action = logged[_name(path)]
    try:
        with files.open_input_file(path) as stream:
            size = stream.size()
            footer = pq.read_metadata(stream) if size == action["size_bytes"] else None
    except FileNotFoundError as error:
        raise SnapshotUnusable(
            f"{path} of {where} is missing, probably removed by VACUUM; use a newer version, and keep versions for "
            "training with a longer delta.deletedFileRetentionDuration or a shallow clone."
        ) from error
    except Exception as error:  # pyarrow raises arbitrary exceptions on altered bytes
        raise SnapshotUnusable(f"{path} of {where} cannot be read ({first_line(error)}); {_REMEDY}") from error
    if footer is None:
        raise SnapshotUnusable(
            f"{path} has {size:,} bytes, but {action['size_bytes']:,} in the log of {where}, so it is another file or "
            f"was cut; {_REMEDY}"
        )
    rows = action["num_records"]
    if footer.num_rows != rows:
        count = "no row count" if rows is None else f"{rows} rows"
        raise SnapshotUnusable(f"{path} has {footer.num_rows} rows, the log of {where} {count}; rewrite the table.")
    column = differing_column(footer, action)
    if column:
        raise SnapshotUnusable(f"{path} holds other values of {column} than the log of {where} says; {_REMEDY}")
    groups = (RowGroup(path, number, footer.row_group(number).num_rows) for number in range(footer.num_row_groups))
    return [group for group in groups if group.rows]


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
