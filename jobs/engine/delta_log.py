"""The files of a table's Delta log: whether its last entry is whole, and what a micro-batch committed."""

import json
import re
import zlib
from collections.abc import Iterator
from functools import reduce
from operator import and_
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from pyarrow import fs

from jobs.engine.errors import LakeUnreadable
from udfs.storage.clients import delta_options, filesystem_of, path_of
from udfs.storage.locations import normalized, parent

_LOG = "_delta_log"
_ENTRY = re.compile(r"(\d{20})\.json")
# Hadoop's checksum of an entry, and Delta's checksum and checkpoint of a version, which outlive an entry that is lost.
_RESIDUE = re.compile(r"\.?(\d{20})(\.json|\.crc|\.checkpoint.*\.parquet)(\.crc)?")
_MAGIC = b"crc\0"
_HIDDEN = {"deletionVectors", "columnMapping"}
# Fields of tables before the first release: read as they are now, they would be null where they have a value.
_FORMER = {"centre_m": "center_m", "centre_c_m": "center_c_m", "chance": "object_probability"}
_POINTERS = ("_last_checkpoint", "._last_checkpoint.crc")


# The names of the files that an application's transactions added, by the version of the transaction.
Commits = dict[int, list[str]]


def arrow_of(rows: Any) -> pa.Table:
    """Return rows of delta-rs as a table. `pa.table` would import pandas, to look whether they are a DataFrame."""
    return pa.RecordBatchReader.from_stream(rows).read_all()


def require_whole_logs(lake_uri: str, to_write: bool) -> None:
    """Check that the last log entry of every table of a lake can be read.

    Raises:
        LakeUnreadable: one is empty or cut short, or, unless the lake is opened to write what it lacks, lost; the
            message names the file and the way back.
    """
    files = filesystem_of(normalized(lake_uri))
    for table in _tables(files, lake_uri):
        _require_whole(files, table, normalized(lake_uri), to_write)


def require_whole_log(location: str, to_write: bool = False) -> None:
    """Check that a table's last log entry can be read, as `require_whole_logs` does."""
    table = normalized(location)
    _require_whole(filesystem_of(table), path_of(table), parent(table), to_write)


def remove_residues(lake_uri: str) -> None:
    """Remove checksums and checkpoints of log entries that are lost: the next commit would be compared with them."""
    files = filesystem_of(normalized(lake_uri))
    for table in _tables(files, lake_uri):
        listed = _listed(files, table)
        residues = _residues(listed)
        if any(".checkpoint" in one.base_name for one in residues):
            # Without it, readers look for the newest checkpoint that is there.
            residues += [one for one in listed if one.base_name in _POINTERS]
        for one in residues:
            files.delete_file(one.path)


def is_table(location: str) -> bool:
    """Return whether there is a Delta table."""
    return DeltaTable.is_deltatable(normalized(location), storage_options=delta_options())


def opened(location: str) -> DeltaTable | None:
    """Return a table as of its newest log entry; None where there is no table."""
    if not is_table(location):
        return None
    uri, options = normalized(location), delta_options()
    listed = _listed(filesystem_of(uri), path_of(uri))
    # delta-rs opens a table with the checksum of a lost entry only by version.
    return DeltaTable(uri, version=_newest(listed) if _residues(listed) else None, storage_options=options)


def require_present_names(table: DeltaTable, location: str) -> None:
    """Check that a table names its fields as this version does.

    Raises:
        LakeUnreadable: it was written before the first release; the message names a field and the remedy.
    """
    fields = table.schema().to_json()
    if former := next((name for name in _FORMER if f'"name":"{name}"' in fields), None):
        raise LakeUnreadable(
            f"The table {location} was written before release 0.1.0: it has {former}, now {_FORMER[former]}. Make a "
            "new lake: `spatiallake run --crawl CRAWL --lake NEW_LAKE`."
        )


def is_plain(table: DeltaTable) -> bool:
    """Return whether Arrow sees a table's rows as they are: no row is marked as deleted, no column renamed."""
    return not _HIDDEN & set(table.protocol().reader_features or ())


def transaction_version(location: str, app_id: str) -> int:
    """Return the version of an application's last transaction in a table, -1 where there is none."""
    table = opened(location)
    version = None if table is None else table.transaction_version(app_id)
    return -1 if version is None else version


def matching_rows(location: str, wanted: dict[str, Any], columns: list[str]) -> list[dict[str, Any]]:
    """Return columns of the rows of a table that have the wanted values; none where there is no table."""
    table = opened(location)
    if table is None:
        return []
    import pyarrow.dataset as ds  # it imports pandas, which a command on one image does without

    same = [ds.field(name) == value for name, value in wanted.items()]
    return table.to_pyarrow_dataset().to_table(columns, filter=reduce(and_, same)).to_pylist()


def count_rows(location: str, condition: str) -> int:
    """Return how many rows of a table an SQL condition holds for; 0 where there is no table."""
    table = opened(location)
    if table is None:
        return 0
    counted = QueryBuilder().register("t", table).execute(f"SELECT count(*) AS held FROM t WHERE {condition}")
    return arrow_of(counted)["held"][0].as_py()


def commits_of(location: str, prefix: str) -> dict[str, Commits]:
    """Return what the log's entries say about applications whose id starts with `prefix`, by id."""
    found: dict[str, Commits] = {}
    for actions in _entries(normalized(location), f'"appId":"{prefix}'.encode()):
        for action in actions:
            transaction = action.get("txn", {})
            if transaction.get("appId", "").startswith(prefix):
                names = [unquote(other["add"]["path"]).rpartition("/")[2] for other in actions if "add" in other]
                found.setdefault(transaction["appId"], {})[transaction["version"]] = names
    return found


def _entries(location: str, wanted: bytes) -> Iterator[list[dict]]:
    files = filesystem_of(location)
    for one in _listed(files, path_of(location)):
        if _ENTRY.fullmatch(one.base_name):
            content = _content(files, one.path)
            if wanted in content:
                yield [json.loads(line) for line in content.splitlines() if line.strip()]


def _tables(files: fs.FileSystem, lake_uri: str) -> list[str]:
    folders = files.get_file_info(fs.FileSelector(path_of(normalized(lake_uri)), allow_not_found=True))
    found = [one for one in folders if one.type == fs.FileType.Directory and not one.base_name.startswith(("_", "."))]
    return sorted(one.path for one in found)


def _newest(listed: list[fs.FileInfo]) -> int:
    return max((int(found[1]) for one in listed if (found := _ENTRY.fullmatch(one.base_name))), default=-1)


def _residues(listed: list[fs.FileInfo]) -> list[fs.FileInfo]:
    newest = _newest(listed)
    return [one for one in listed if (found := _RESIDUE.fullmatch(one.base_name)) and int(found[1]) > newest]


def _require_whole(files: fs.FileSystem, table_path: str, root: str, to_write: bool) -> None:
    listed = _listed(files, table_path)
    entries = [one for one in listed if _ENTRY.fullmatch(one.base_name)]
    last = max(entries, key=lambda one: one.base_name, default=None)
    if last is None:
        return
    name = table_path.rpartition("/")[2]
    residues = [] if to_write else _residues(listed)
    if residues:
        raise LakeUnreadable(
            f"Table {name} in {root} has lost its last log entry, of which {residues[0].path} is still there; run"
            " `spatiallake run` with this lake (and the crawl, if the table is crawl): the rows that it lacks are made"
            " again."
        )
    fault = _fault(_content(files, last.path)) or _mismatch(files, table_path, last)
    if fault:
        raise LakeUnreadable(
            f"The last log entry of table {name} in {root} {fault}, so that a write to it was not finished; delete the"
            f" file {last.path}, then run `spatiallake run` with this lake (and the crawl, if the table is crawl):"
            " the rows that it lacks are made again."
        )


def _fault(content: bytes) -> str | None:
    if not content.strip():
        return "is empty"
    try:
        actions = [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError:
        return "is cut short"
    return None if all(isinstance(action, dict) for action in actions) else "is no list of actions"


def _mismatch(files: fs.FileSystem, table_path: str, entry: fs.FileInfo) -> str | None:
    """Compare an entry with the checksums of its chunks, which Hadoop keeps beside a local file.

    Only they show an entry that was cut at the end of a line.
    """
    beside = f"{table_path}/{_LOG}/.{entry.base_name}.crc"
    if files.get_file_info(beside).type != fs.FileType.File:
        return None
    checksum, content = _content(files, beside), _content(files, entry.path)
    magic, size = checksum[:4], int.from_bytes(checksum[4:8], "big")
    if magic != _MAGIC or not size:
        return None
    return None if hadoop_checksum(content, size) == checksum else "does not match its checksum"


def hadoop_checksum(content: bytes, chunk_size: int = 512) -> bytes:
    """Return what Hadoop writes beside a local file: the size of its chunks and the checksum of each."""
    chunks = (content[start : start + chunk_size] for start in range(0, len(content), chunk_size))
    sums = b"".join(zlib.crc32(chunk).to_bytes(4, "big") for chunk in chunks)
    return _MAGIC + chunk_size.to_bytes(4, "big") + sums


def _listed(files: fs.FileSystem, table_path: str) -> list[fs.FileInfo]:
    log = fs.FileSelector(f"{table_path}/{_LOG}", allow_not_found=True)
    return [one for one in files.get_file_info(log) if one.type == fs.FileType.File]


def _content(files: fs.FileSystem, path: str) -> bytes:
    with files.open_input_stream(path, compression=None) as stream:
        return stream.read()
