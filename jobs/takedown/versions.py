"""Old versions of tables: deletes their files from the disk, and tells what a log keeps of a column's texts."""

from collections.abc import Mapping
from urllib.parse import unquote

from deltalake.schema import PrimitiveType
from pyarrow import fs

from jobs.engine.delta_log import arrow_of, opened
from jobs.engine.lake import Lake
from jobs.engine.maintenance import vacuum_options
from jobs.takedown.tables import LEDGERS, configuration_of
from schemas.table import Table
from udfs.storage.clients import filesystem_of, path_of
from udfs.storage.locations import normalized

_STATISTICS = "delta.dataSkippingStatsColumns"
_TEXTS = (PrimitiveType("string"), PrimitiveType("binary"))
_LOG = "_delta_log"
_OWN = ("_checkpoints", "_exports", "_locks")
# Texts of these columns name no image.
_HARMLESS = frozenset(
    ("recipe", "scene_recipe", "stage", "generation", "reason", "outcome", "engine_version", "type_id", "family")
) | {"split", "kind", "state", "takedown_id", "key", "example_id", "qa_id", "image_id", "entry_id", "crawl_day"}


def purge(lake: Lake, tables: Mapping[str, Table]) -> dict[str, int]:
    """Delete the files of old versions now, also those of the change data feed; return the number by table.

    No other command may be writing to these tables, and readers of an old version lose it.
    """
    removed = {}
    with vacuum_options(lake.session):
        for name, table in tables.items():
            if name in LEDGERS:
                continue
            place = f"delta.`{lake.location(table)}`"
            if _has_deletion_vectors(lake, table):
                # Else rows that are only marked as deleted stay in files of the current version.
                lake.session.sql(f"REORG TABLE {place} APPLY (PURGE)")
            removed[name] = len(leftovers(lake, {name: table}).get(name, []))
            if removed[name]:
                lake.session.sql(f"VACUUM {place} RETAIN 0 HOURS")
    return removed


def leftovers(lake: Lake, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """Return by table the data files on disk that its current version does not name; tables without any are absent."""
    found = {}
    for name, table in tables.items():
        held = opened(lake.location(table))
        if name in LEDGERS or held is None:
            continue
        live = {unquote(uri).rpartition("/")[2] for uri in held.file_uris()}
        left = sorted(path for path in _data_files(lake, table) if path.rpartition("/")[2] not in live)
        if left:
            found[name] = left
    return found


def told_by_logs(lake: Lake, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """Return by table the text columns whose smallest and largest values its log keeps, which may be an image's."""
    found = {}
    for name, table in tables.items():
        held = opened(lake.location(table))
        if name in LEDGERS or held is None:
            continue
        texts = {field.name for field in held.schema().fields if field.type in _TEXTS}
        listed = configuration_of(lake, table).get(_STATISTICS)
        kept = texts - _HARMLESS if listed is None else texts & set(listed.split(",")) - _HARMLESS
        if kept:
            found[name] = sorted(kept)
    return found


def strangers(lake: Lake, tables: Mapping[str, Table]) -> list[str]:
    """Return the names in the lake's folder that are neither tables nor the engine's own, such as pages or MLflow's."""
    root = normalized(lake.uri)
    listed = filesystem_of(root).get_file_info(fs.FileSelector(path_of(root), allow_not_found=True))
    names = {one.base_name for one in listed}
    return sorted(name for name in names - set(tables) if name not in _OWN)


def _has_deletion_vectors(lake: Lake, table: Table) -> bool:
    held = opened(lake.location(table))
    if held is None or "deletionVectors" not in (held.protocol().reader_features or []):
        return False
    return arrow_of(held.deletion_vectors()).num_rows > 0


def _data_files(lake: Lake, table: Table) -> list[str]:
    root = normalized(lake.location(table))
    listed = filesystem_of(root).get_file_info(fs.FileSelector(path_of(root), recursive=True, allow_not_found=True))
    inside = f"{path_of(root)}/{_LOG}/"
    return [
        one.path
        for one in listed
        if one.type == fs.FileType.File and not one.path.startswith(inside) and not one.base_name.startswith((".", "_"))
    ]
