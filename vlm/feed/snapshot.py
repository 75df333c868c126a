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
from vlm.errors import SnapshotUnusable
from vlm.feed.settings import FeedSettings

_READERS = 16


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
    """Pin a version and return its row groups, checked against the row counts in the log.

    Raises:
        SnapshotUnusable: the table, version, recipe or split does not exist, deletion vectors or mapped columns are in
            use, or files are missing or have another number of rows than the log.
    """
    uri = normalized(settings.table)
    table = _opened(uri, settings.version)
    _refuse_features(table, uri)
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    recipe = settings.recipe or _only_recipe(actions, uri)
    wanted = [("recipe", "=", recipe), ("split", "=", settings.split)]
    # delta-rs percent-encodes file names, also local ones.
    files = table.file_uris(partition_filters=wanted) if actions else []
    paths = sorted(path_of(unquote(file)) for file in files)
    if not paths:
        raise SnapshotUnusable(
            f"Version {table.version()} of {uri} has no row with split {settings.split} and recipe {recipe}; "
            "run `spatiallake examples`, or name another split or recipe."
        )
    counts = {action["path"].rsplit("/", 1)[-1]: action["num_records"] for action in actions}
    read = partial(_groups_of, filesystem_of(uri), counts, f"version {table.version()} of {uri}")
    with ThreadPoolExecutor(_READERS) as pool:
        groups = tuple(group for groups in pool.map(read, paths) for group in groups)
    digest = hashlib.sha256("\n".join(f"{_name(path)} {counts[_name(path)]}" for path in paths).encode()).hexdigest()
    table_id = str(table.metadata().id)
    return Snapshot(uri, table_id, table.version(), recipe, settings.split, groups, digest)


def _opened(uri: str, version: int | None) -> DeltaTable:
    try:
        return DeltaTable(uri, version=version, storage_options=delta_options())
    except TableNotFoundError as error:
        raise SnapshotUnusable(f"There is no Delta table at {uri}; create it with `spatiallake examples`.") from error
    except DeltaError as error:
        what = "The latest version" if version is None else f"Version {version}"
        raise SnapshotUnusable(
            f"{what} of {uri} cannot be opened ({error}); name a version in the log, or omit feed.version."
        ) from error


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
    recipes = sorted({str(action["partition.recipe"]) for action in actions if "partition.recipe" in action})
    if len(recipes) != 1:
        there = ", ".join(recipes) or "none"
        raise SnapshotUnusable(f"{uri} holds the recipes {there}; choose one with feed.recipe.")
    return recipes[0]


def _groups_of(files: fs.FileSystem, counts: dict[str, int | None], where: str, path: str) -> list[RowGroup]:
    try:
        footer = pq.read_metadata(path, filesystem=files)
    except FileNotFoundError as error:
        raise SnapshotUnusable(
            f"{path} of {where} is missing, probably removed by VACUUM; use a newer version, and keep versions for "
            "training with a longer delta.deletedFileRetentionDuration or a shallow clone."
        ) from error
    logged = counts[_name(path)]
    if footer.num_rows != logged:
        count = "no row count" if logged is None else f"{logged} rows"
        raise SnapshotUnusable(f"{path} has {footer.num_rows} rows, the log of {where} {count}; rewrite the table.")
    groups = (RowGroup(path, number, footer.row_group(number).num_rows) for number in range(footer.num_row_groups))
    return [group for group in groups if group.rows]


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
