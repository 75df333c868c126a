"""Which photographs a page shows, and their rows."""

from collections.abc import Sequence
from typing import Any

from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.views.reader import LakeReader, Row, quoted

# Furthest first: a photograph with answers shows more than one that was only ingested.
_FURTHEST_FIRST = ("qa_pairs", "references", "scenes", "regions", "images")

_QUERIES = {
    "images": (
        "SELECT image_id, bytes, width, height, licence, alt_text, sequence_id, frame_index, exif_orientation, "
        "{depth} AS depth FROM t"
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
    """Return ids of photographs: those named, else up to `limit` spread over the lake by a hash of seed and id.

    Raises:
        LakeUnreadable: the lake has no photographs.
        UsageError: a named photograph is not in it.
    """
    lake.tables()
    if not lake.has("images") or not lake.query("images", "SELECT image_id FROM t LIMIT 1"):
        raise LakeUnreadable(
            f"{lake.uri} has no photographs yet; `spatiallake ingest --crawl DIR_OR_URI --lake {lake.uri}` adds some."
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
    """Return rows of the given photographs by table and image id; tables that are not there yet are left out.

    Ids that the lake has not are no error.
    """
    found: dict[str, dict[str, list[Row]]] = {}
    shards = lake.query("images", f"SELECT DISTINCT ingest_shard FROM t WHERE image_id IN ({quoted(image_ids)})")
    # Tables are clustered by shard, so naming the shards lets whole files be skipped.
    numbers = ", ".join(str(row["ingest_shard"]) for row in shards) or "NULL"
    where = f" WHERE image_id IN ({quoted(image_ids)})"
    by_shard = f"{where} AND ingest_shard IN ({numbers})"
    for name, query in _QUERIES.items():
        if not lake.has(name):
            continue
        # The depths table repeats the crawl's depth map; one copy is enough.
        select = query.format(depth="CAST(NULL AS BYTEA)" if lake.has("depths") else "depth")
        condition = where if name in ("provenance", "quarantine") else by_shard
        order = f" ORDER BY {_ORDER[name]}" if name in _ORDER else ""
        by_image: dict[str, list[Row]] = {}
        for row in lake.query(name, select + condition + order):
            by_image.setdefault(row["image_id"], []).append(row)
        found[name] = by_image
    return found


def first(rows: dict[str, dict[str, list[Row]]], table: str, image_id: str) -> dict[str, Any] | None:
    """Return the one row of a photograph in a table, or None."""
    held = rows.get(table, {}).get(image_id)
    return held[0] if held else None


def _named(lake: LakeReader, name: str) -> str:
    rows = lake.query("images", f"SELECT image_id FROM t WHERE starts_with(image_id, {quoted([name])}) LIMIT 2")
    if len(rows) != 1:
        problem = "is not in" if not rows else "begins more than one image_id of"
        raise UsageError(f"Photograph {name!r} {problem} {lake.uri}; give a whole image_id of its table images.")
    return rows[0]["image_id"]
