"""Lists a small crawl into table `crawl` without Spark, with the same rows and shards as `jobs.stages.listing`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.engine import commits
from jobs.engine.lake import Lake
from jobs.engine.listings import record, unlisted
from jobs.stages import listing
from jobs.stages.listing import NUMBERED, may_repeat, rows_per_shard
from jobs.takedown.refusals import refused_keys
from schemas.images import CRAWL
from schemas.table import ENGINE_VERSION
from udfs.crawl.entries import UNLISTED
from udfs.crawl.layout import Layout
from udfs.crawl.listing import entries_of, loose_entries
from udfs.crawl.taken_down import keys_of_entry, redacted
from udfs.stages.rows import Row

_MAX_PIECES = 64


@dataclass(frozen=True)
class SmallListing:
    """The pieces of a crawl that were not listed before, and all their entries."""

    layout: Layout
    entries: tuple[Row, ...]


def small_listing(lake: Lake, crawl: Layout, max_entries: int) -> SmallListing | None:
    """Return what a crawl lists, or None if that is more than `max_entries`."""
    fresh = unlisted(lake, crawl)
    if len(fresh.loose) > max_entries or len(fresh.pieces) > _MAX_PIECES:
        return None
    entries: dict[str, Row] = {}
    for number, row in enumerate(_entries(fresh)):
        if number >= max_entries:
            return None
        # Of a row that is listed twice, the first place counts.
        entries.setdefault(row["entry_id"] if may_repeat(fresh) else str(number), row)
    return SmallListing(fresh, tuple(entries.values()))


def _entries(crawl: Layout) -> Iterator[Row]:
    position = 0
    for piece in crawl.pieces:
        placed = replace(piece, position=position) if piece.form in NUMBERED else piece
        for row in entries_of(placed, crawl.crawl_uri):
            yield row
            position += 1
    yield from loose_entries(crawl)


def append_small_listing(lake: Lake, found: SmallListing, shard_size: int) -> None:
    """Append the entries that table `crawl` lacks, as `append_listing` does."""
    lake.ensure(CRAWL)
    held = lake.dataset(CRAWL).to_table(columns=["entry_id", "ingest_shard"])
    known = set(held["entry_id"].to_pylist())
    fresh = [row for row in found.entries if row["entry_id"] not in known]
    if fresh:
        _append(lake, fresh, max(held["ingest_shard"].to_pylist(), default=0) + 1, shard_size)
    if fresh:
        record(lake, found.layout, {row["uri"] for row in fresh if UNLISTED in (row["row_json"] or "")})


def _append(lake: Lake, fresh: list[Row], next_shard: int, shard_size: int) -> None:
    refused, size = refused_keys(lake), rows_per_shard(len(fresh), shard_size)
    fresh = [redacted(row) if refused.has_any(keys_of_entry(row)) else row for row in fresh] if refused else fresh
    first = min(row["position"] for row in fresh)
    own = {"listed_on": listing.today(), "engine_version": ENGINE_VERSION}
    rows = [{**row, **own, "ingest_shard": next_shard + (row["position"] - first) // size} for row in fresh]
    table = pa.Table.from_pylist(rows, schema=to_arrow_schema(CRAWL.schema))
    location = lake.location(CRAWL)
    version = lake.version(CRAWL) + 1
    commits.append(location, CRAWL, lambda _: table, "spatiallake:listing", version, files="ingest_shard")
