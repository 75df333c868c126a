"""What a takedown would remove from a small lake, counted without Spark and alike, row for row."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from jobs.engine.delta_log import count_rows
from jobs.engine.lake import Lake
from jobs.engine.settings import RunSettings
from jobs.engine.small.limits import allow_small
from jobs.takedown.criteria import Asked
from jobs.takedown.tables import IMAGES_OF_ROW, actions_of, keys_of_table, required_tables
from jobs.takedown.targets import ENTRY_COLUMNS, ROW_KEYS
from jobs.views.reader import LakeReader, quoted
from schemas.images import CRAWL, IMAGES, PROVENANCE
from schemas.operations import QUARANTINE
from schemas.reasons import Reason
from schemas.table import Table
from schemas.takedowns import CERTIFICATES, TAKEDOWNS
from udfs.crawl.taken_down import ENTRY, REDACTED_ROW, image_key, keys_of, keys_of_entry, url_key

Row = dict[str, Any]
_TOLD = f"reason = {quoted([str(Reason.TAKEN_DOWN)])}"


@dataclass(frozen=True)
class _Targets:
    """The ids of the images and of the entries to remove, also of those that the lake does not have."""

    images: set[str]
    entries: set[str]


def counts_without_spark(settings: RunSettings, lake: Lake) -> bool:
    """Return whether settings allow a lake of this size to be read without Spark."""
    return allow_small(settings, max(count_rows(lake.location(table), "true") for table in (CRAWL, IMAGES)))


def preview_small(lake: Lake, asked: Asked) -> dict[str, int]:
    """Return how many rows of each table belong to what is asked for, as `preview_takedown` does.

    Raises:
        LakeUnreadable: there is no lake.
    """
    reader, tables = LakeReader(lake.uri), required_tables(lake)
    targets = _targets(reader, asked)
    counts = {IMAGES.name: sum(row["image_id"] in targets.images for row in _rows(reader, IMAGES, ["image_id"]))}
    for name, action in actions_of(lake, tables).items():
        if action in ("removed", "redacted") and name != IMAGES.name:
            columns = keys_of_table(lake, tables[name])
            rows = _rows(reader, tables[name], columns, f"NOT ({_TOLD})" if name == QUARANTINE.name else "TRUE")
            # A table with both keys has them in the same rows.
            counts[name] = max(sum(_is_target(row[column], column, targets) for row in rows) for column in columns)
    return counts


def _is_target(value: Any, column: str, targets: _Targets) -> bool:
    if column == IMAGES_OF_ROW:
        return not targets.images.isdisjoint(value or ())
    return value in (targets.entries if column == "entry_id" else targets.images)


def _targets(reader: LakeReader, asked: Asked) -> _Targets:
    recorded = _recorded(reader, asked)
    keys = {*asked.keys, *(row["key"] for row in recorded if row["kind"] != ENTRY)}
    places = _rows(reader, PROVENANCE, ["entry_id", *ROW_KEYS])
    images = {key.removeprefix(image_key("")) for key in keys if key.startswith(image_key(""))}
    # Images that are named have no other keys to look for.
    only_images = len(images) == len(keys)
    if not only_images:
        images |= _with_keys(places, "image_id", lambda row: keys_of(**{name: row[name] for name in ROW_KEYS}), keys)
        images |= _with_keys(
            _rows(reader, IMAGES, ["image_id", "licence"]), "image_id", lambda row: keys_of(**row), keys
        )
    found_at = [row for row in places if row["image_id"] in images]
    entries = {row["entry_id"] for row in found_at}
    entries |= {row["key"].partition(":")[2] for row in recorded if row["kind"] == ENTRY}
    crawl = _rows(reader, CRAWL, ENTRY_COLUMNS, f"row_json IS DISTINCT FROM {quoted([REDACTED_ROW])}")
    if not only_images:
        addresses = {url_key(row["image_url"]) for row in found_at if row["image_url"]}
        entries |= _with_keys(crawl, "entry_id", keys_of_entry, keys | addresses)
    refused = {row["entry_id"] for row in _rows(reader, QUARANTINE, ["entry_id"], _TOLD)}
    return _Targets(images, entries | refused.intersection(row["entry_id"] for row in crawl))


def _with_keys(rows: Iterable[Row], name: str, keys_of_row: Callable[[Row], list[str]], keys: set[str]) -> set[str]:
    """Return the ids in the column `name` of the rows that have one of the keys."""
    return {row[name] for row in rows if not keys.isdisjoint(keys_of_row(row))}


def _recorded(reader: LakeReader, asked: Asked) -> list[Row]:
    """Return the rows of `takedowns` of what is asked for, and of takedowns that were not finished."""
    noted = _rows(reader, CERTIFICATES, ["takedown_id", "state", "written_at"])
    states = {row["takedown_id"]: row["state"] for row in sorted(noted, key=lambda row: row["written_at"])}
    ids = {asked.takedown_id, *(name for name, state in states.items() if state == "begun")}
    return _rows(reader, TAKEDOWNS, ["kind", "key"], f"takedown_id IN ({quoted(ids)})")


def _rows(reader: LakeReader, table: Table, columns: Collection[str], condition: str = "TRUE") -> list[Row]:
    """Return columns of the rows of all recipes; none where there is no table."""
    if not reader.exists(table):
        return []
    return reader.arrow(table.name, f"SELECT {', '.join(columns)} FROM t WHERE {condition}", True).to_pylist()
