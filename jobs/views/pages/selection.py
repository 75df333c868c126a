"""Selects the images of a page and reads their rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.registry import stage_definitions
from jobs.views.reader import LakeReader, Row, quoted

# Images of the latest stage first: an image with answers shows more than one that was only ingested.
_FURTHEST_FIRST = ("qa_pairs", "references", "scenes", "regions", "images")

_QUERIES = {
    "images": (
        "SELECT image_id, bytes, width, height, licence, alt_text, sequence_id, frame_index, {depth} AS depth FROM t"
    ),
    "image_scores": "SELECT image_id, scores FROM t",
    "regions": "SELECT image_id, width, height, regions FROM t",
    "depths": "SELECT image_id, depth, depth_src, sigma_rel, scale_sigma_rel, camera_src FROM t",
    "scenes": "SELECT * FROM t",
    "references": 'SELECT image_id, "references", rejected FROM t',
    "qa_pairs": "SELECT * FROM t",
    "quarantine": "SELECT image_id, stage, outcome, reason, error, attempt, retry_command FROM t",
    "provenance": "SELECT image_id, uri, source, crawl_id, image_url, page_url FROM t",
}

_ORDER = {
    "qa_pairs": "CASE family WHEN 'qualitative' THEN 0 ELSE 1 END, type_id, qa_id",
    "quarantine": "stage, reason, attempt",
    "provenance": "entry_id",
}


def chosen_images(lake: LakeReader, limit: int, seed: int, image_ids: Sequence[str] | None = None) -> list[str]:
    """Return the ids of the given images, or of up to `limit` images sampled by a hash of seed and id.

    Raises:
        LakeUnreadable: the lake has no images.
        UsageError: a given image is not in the lake.
    """
    lake.tables()
    if not lake.has("images") or not lake.query("images", "SELECT image_id FROM t LIMIT 1"):
        raise LakeUnreadable(
            f"{lake.uri} has no images yet; add some with `spatiallake ingest --crawl DIR_OR_URI --lake {lake.uri}`."
        )
    if image_ids:
        return [_named(lake, name) for name in image_ids]
    chosen: list[str] = []
    for name in _FURTHEST_FIRST:
        if lake.has(name) and len(chosen) < limit:
            others = f"WHERE image_id NOT IN ({quoted(chosen)})" if chosen else ""
            rows = lake.query(
                name,
                f"SELECT DISTINCT image_id, md5(concat('{int(seed)}', image_id)) AS lot FROM t {others} "
                f"ORDER BY lot LIMIT {limit - len(chosen)}",
            )
            chosen += [row["image_id"] for row in rows]
    return chosen


def rows_of(lake: LakeReader, image_ids: Sequence[str]) -> dict[str, dict[str, list[Row]]]:
    """Return the rows of the given images by table and image id; missing tables are omitted.

    Ids that the lake does not have are ignored.
    """
    by_table: dict[str, dict[str, list[Row]]] = {}
    where = f" WHERE image_id IN ({quoted(image_ids)})"
    by_shard = _by_shard(lake, image_ids)
    # Of further stages, the page shows whether they have dealt with an image.
    reached = {
        one.table.name: "SELECT image_id FROM t"
        for one in stage_definitions().values()
        if one.in_run and "image_id" in one.table.columns
    }
    for name, query in {**reached, **_QUERIES}.items():
        if not lake.has(name):
            continue
        select = query.format(depth="CAST(NULL AS BYTEA)" if lake.has("depths") else "depth")
        condition = where if name in ("provenance", "quarantine") else by_shard
        order = f" ORDER BY {_ORDER[name]}" if name in _ORDER else ""
        by_image: dict[str, list[Row]] = {}
        for row in lake.query(name, select + condition + order):
            by_image.setdefault(row["image_id"], []).append(row)
        by_table[name] = by_image
    fill_depths(lake, [row for rows in by_table.get("depths", {}).values() for row in rows])
    return by_table


def _by_shard(lake: LakeReader, image_ids: Iterable[str]) -> str:
    """Return the condition on rows of these images in a table that is clustered by shard, which skips whole files."""
    where = f" WHERE image_id IN ({quoted(image_ids)})"
    shards = lake.query("images", f"SELECT DISTINCT ingest_shard FROM t{where}")
    numbers = ", ".join(str(row["ingest_shard"]) for row in shards) or "NULL"
    return f"{where} AND ingest_shard IN ({numbers})"


def fill_depths(lake: LakeReader, depths: Sequence[Row], column: str = "depth") -> None:
    """Put the crawl's depth map into rows of `depths` that stand for it, which have none."""
    missing = {row["image_id"] for row in depths if row[column] is None}
    if missing:
        held = lake.query("images", f"SELECT image_id, depth FROM t{_by_shard(lake, sorted(missing))}")
        maps = {row["image_id"]: row["depth"] for row in held}
        for row in depths:
            row[column] = row[column] or maps.get(row["image_id"])


def first(rows: dict[str, dict[str, list[Row]]], table: str, image_id: str) -> dict[str, Any] | None:
    """Return the first row of an image in a table, or None."""
    image_rows = rows.get(table, {}).get(image_id)
    return image_rows[0] if image_rows else None


def _named(lake: LakeReader, name: str) -> str:
    rows = lake.query("images", f"SELECT image_id FROM t WHERE starts_with(image_id, {quoted([name])}) LIMIT 2")
    if len(rows) != 1:
        problem = "is not in" if not rows else "is a prefix of several image ids of"
        raise UsageError(f"Image {name!r} {problem} {lake.uri}; pass a full image_id from its table images.")
    return rows[0]["image_id"]
