"""One version of a Delta table as plain Parquet: its live files, their row groups, and refusals of all that is not."""

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
    """Row group number `group` of the file at `path`, with its count of rows."""

    path: str
    group: int
    rows: int


@dataclass(frozen=True)
class Snapshot:
    """The row groups of one split and recipe of a pinned version, in the order of their paths.

    `digest` tells the live files and their counts of rows apart from any others.
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
        """Return how many rows an epoch has."""
        return sum(group.rows for group in self.groups)


def open_snapshot(settings: FeedSettings) -> Snapshot:
    """Pin the version and return its row groups, whose rows add up to what the log says of every file.

    Raises:
        SnapshotUnusable: no such table, version, recipe or row, deletion vectors, mapped columns, or files that are
            gone or hold other rows than the log says.
    """
    uri = normalized(settings.table)
    table = _opened(uri, settings.version)
    _refuse_features(table, uri)
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    recipe = settings.recipe or _only_recipe(actions, uri)
    wanted = [("recipe", "=", recipe), ("split", "=", settings.split)]
    # delta-rs encodes names as in URLs, also those of local files.
    files = table.file_uris(partition_filters=wanted) if actions else []
    paths = sorted(path_of(unquote(file)) for file in files)
    if not paths:
        raise SnapshotUnusable(
            f"Version {table.version()} of {uri} has no row of split {settings.split} and recipe {recipe}; "
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
        raise SnapshotUnusable(f"There is no Delta table at {uri}; `spatiallake examples` makes one.") from error
    except DeltaError as error:
        what = "The latest version" if version is None else f"Version {version}"
        raise SnapshotUnusable(
            f"{what} of {uri} cannot be opened ({error}); name one that is in the log, or leave `version` out."
        ) from error


def _refuse_features(table: DeltaTable, uri: str) -> None:
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if mode != "none":
        raise SnapshotUnusable(
            f"{uri} maps its columns by {mode}, so that files name them otherwise than the table does; write it anew "
            "with delta.columnMapping.mode=none."
        )
    if "deletionVectors" not in (table.protocol().reader_features or []):
        return
    deleted = pa.table(table.deletion_vectors())["filepath"].to_pylist()
    if deleted:
        raise SnapshotUnusable(
            f"Version {table.version()} of {uri} has rows deleted by deletion vectors in {len(deleted)} files, which "
            "readers of Parquet would still give; run `REORG TABLE .. APPLY (PURGE)` and name the version after it."
        )


def _only_recipe(actions: list[dict[str, Any]], uri: str) -> str:
    recipes = sorted({str(action["partition.recipe"]) for action in actions if "partition.recipe" in action})
    if len(recipes) != 1:
        there = ", ".join(recipes) or "none"
        raise SnapshotUnusable(f"{uri} holds the recipes {there}; name the one to train on with `recipe`.")
    return recipes[0]


def _groups_of(files: fs.FileSystem, counts: dict[str, int | None], where: str, path: str) -> list[RowGroup]:
    try:
        footer = pq.read_metadata(path, filesystem=files)
    except FileNotFoundError as error:
        raise SnapshotUnusable(
            f"{path} of {where} is gone, removed by VACUUM; name a younger version, and keep versions that are trained "
            "on by a longer delta.deletedFileRetentionDuration or a shallow clone."
        ) from error
    logged = counts[_name(path)]
    if footer.num_rows != logged:
        said = "does not say how many rows it has" if logged is None else f"says that it has {logged} rows"
        raise SnapshotUnusable(f"{path} holds {footer.num_rows} rows and the log of {where} {said}; write it anew.")
    groups = (RowGroup(path, number, footer.row_group(number).num_rows) for number in range(footer.num_row_groups))
    return [group for group in groups if group.rows]


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
