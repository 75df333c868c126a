"""What was listed of each crawl, so that a later listing looks only at new tars, parquet files and manifests.

The record of a crawl holds while table `crawl` has as many of its entries as when it was made; without it, all is
listed again.
"""

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from jobs.engine.delta_log import count_rows, matching_rows
from jobs.engine.lake import Lake
from schemas.images import CRAWL
from schemas.operations import LISTINGS
from schemas.table import ENGINE_VERSION
from udfs.crawl.layout import Layout
from udfs.crawl.pieces import Piece


def unlisted(lake: Lake, crawl: Layout) -> Layout:
    """Return the crawl without the pieces that were listed before and have not changed since."""
    wanted = {"crawl_uri": crawl.crawl_uri}
    rows = matching_rows(lake.location(LISTINGS), wanted, ["piece", "version", "entries", "listed_at"])
    if not rows or max(rows, key=lambda row: row["listed_at"])["entries"] != _entries(lake, crawl):
        return crawl
    known = {(row["piece"], row["version"]) for row in rows}
    return replace(crawl, pieces=[one for one in crawl.pieces if (_name(one), one.version) not in known])


def record(lake: Lake, crawl: Layout, unreadable: Collection[str]) -> None:
    """Note that the pieces of a crawl have been listed, but for those of files that could not be read."""
    pieces = [one for one in crawl.pieces if one.uri not in unreadable]
    if not pieces:
        return
    lake.ensure(LISTINGS)
    now, entries = datetime.now(UTC), _entries(lake, crawl)
    rows = [
        {
            "crawl_uri": crawl.crawl_uri,
            "piece": _name(one),
            "version": one.version,
            "entries": entries,
            "listed_at": now,
            "engine_version": ENGINE_VERSION,
        }
        for one in pieces
    ]
    version = lake.version(LISTINGS) + 1
    lake.append_records(LISTINGS, rows, "spatiallake:listings", version)


def _entries(lake: Lake, crawl: Layout) -> int:
    """Return how many entries of a crawl table `crawl` has."""
    quoted = crawl.crawl_uri.replace("'", "''")
    return count_rows(lake.location(CRAWL), f"crawl_uri = '{quoted}'")


def _name(piece: Piece) -> str:
    return json.dumps([piece.form, piece.uri, piece.start, piece.end])
