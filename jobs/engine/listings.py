"""What was listed of each crawl, so that a later listing looks only at what is new.

Of tars, parquet files and manifests, that is those that were not listed before; of a crawl that an S3 inventory lists,
also the files that changed since the last report. The record of a crawl holds while table `crawl` has as many of its
entries as when it was made; without it, all is listed again.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deltalake import QueryBuilder

from jobs.engine.delta_log import arrow_of, count_rows, matching_rows, opened
from jobs.engine.lake import Lake
from schemas.images import CRAWL
from schemas.operations import LISTINGS
from schemas.table import ENGINE_VERSION
from udfs.crawl.inventory import changed_since
from udfs.crawl.layout import Layout
from udfs.crawl.names import with_texts
from udfs.crawl.pieces import Piece
from udfs.storage.folders import FileStatus
from udfs.storage.locations import normalized

# Stands for a report among the pieces; its version is when S3 began it.
_REPORT = json.dumps(["inventory"])
# A report may lack objects that were written shortly before it, or while it was made.
_LATE = timedelta(days=2)


def last_listed(lake_uri: str, crawl_uri: str) -> str | None:
    """Return the last URI, by its bytes, of the files that were listed of a crawl; None where there is none."""
    held = opened(f"{lake_uri}/{CRAWL.name}")
    if held is None:
        return None
    quoted = normalized(crawl_uri).replace("'", "''")
    rows = QueryBuilder().register("t", held).execute(f"SELECT max(uri) AS last FROM t WHERE crawl_uri = '{quoted}'")
    return arrow_of(rows)["last"][0].as_py()


def unlisted(lake: Lake, crawl: Layout) -> Layout:
    """Return the crawl without the pieces and dated files that were listed before and have not changed since."""
    wanted = {"crawl_uri": crawl.crawl_uri}
    rows = matching_rows(lake.location(LISTINGS), wanted, ["piece", "version", "entries", "listed_at"])
    if not rows or max(rows, key=lambda row: row["listed_at"])["entries"] != _entries(lake, crawl):
        return crawl
    known = {(row["piece"], row["version"]) for row in rows}
    pieces = [one for one in crawl.pieces if (_name(one), one.version) not in known]
    reports = [datetime.fromisoformat(version) for piece, version in known if piece == _REPORT]
    if crawl.report_began_at is None or not reports:
        return replace(crawl, pieces=pieces)
    return replace(crawl, pieces=pieces, loose=_changed(crawl.loose, max(reports) - _LATE))


def _changed(files: Sequence[FileStatus], since: datetime) -> list[FileStatus]:
    """Return the images that changed since a time, or whose texts did, each with all of its texts."""
    new = changed_since(files, since)
    paired = ((image, *texts.values()) for image, texts in with_texts((file.uri, file) for file in files))
    return list({file.uri: file for some in paired if any(one.uri in new for one in some) for file in some}.values())


def record(lake: Lake, crawl: Layout, unreadable: Collection[str]) -> None:
    """Note that the pieces of a crawl have been listed, but for those of files that could not be read, and its report.

    `crawl` is what was listed of it.
    """
    listed = {_name(one): one.version for one in crawl.pieces if one.uri not in unreadable}
    if crawl.report_began_at is not None:
        listed[_REPORT] = crawl.report_began_at.isoformat()
    if not listed:
        return
    lake.ensure(LISTINGS)
    now, entries = datetime.now(UTC), _entries(lake, crawl)
    rows = [
        {
            "crawl_uri": crawl.crawl_uri,
            "piece": piece,
            "version": version,
            "entries": entries,
            "listed_at": now,
            "engine_version": ENGINE_VERSION,
        }
        for piece, version in listed.items()
    ]
    version = lake.version(LISTINGS) + 1
    lake.append_records(LISTINGS, rows, "spatiallake:listings", version)


def _entries(lake: Lake, crawl: Layout) -> int:
    """Return how many entries of a crawl table `crawl` has."""
    quoted = crawl.crawl_uri.replace("'", "''")
    return count_rows(lake.location(CRAWL), f"crawl_uri = '{quoted}'")


def _name(piece: Piece) -> str:
    return json.dumps([piece.form, piece.uri, piece.start, piece.end])
