"""Crawl: add what a listing newly names to table `crawl`, in ingest shards."""

from pyspark.sql import functions as F

from jobs.engine.lake import Lake
from jobs.stages.listing import list_crawl
from schemas.images import CRAWL
from schemas.table import ENGINE_VERSION

_SMALLEST_SHARD = 16
_SHARDS_OF_A_SMALL_CRAWL = 8


def append_listing(lake: Lake, crawl_uri: str, shard_size: int) -> int:
    """List a crawl and append the entries that table `crawl` lacks; return how many there were.

    Entries are numbered into shards of `shard_size`, fewer when there are not enough to keep several cores at work.
    Each shard is one file, so that a stream of files is a stream of whole shards.

    Raises:
        CrawlUnreadable: nothing there, or nothing that is a crawl.
    """
    lake.ensure(CRAWL)
    known = lake.read(CRAWL)
    fresh = list_crawl(lake.session, crawl_uri).join(known.select("entry_id"), "entry_id", "left_anti").persist()
    try:
        first, last, count = fresh.agg(F.min("position"), F.max("position"), F.count("*")).collect()[0]
        if not count:
            return 0
        size = max(min(shard_size, count // _SHARDS_OF_A_SMALL_CRAWL), min(shard_size, _SMALLEST_SHARD))
        next_shard = (known.agg(F.max("ingest_shard")).collect()[0][0] or 0) + 1
        shard = F.lit(next_shard) + F.floor((F.col("position") - first) / size)
        rows = fresh.withColumns({"ingest_shard": shard.cast("bigint"), "engine_version": F.lit(ENGINE_VERSION)})
        files = min(-(-(last - first + 1) // size), -(-count // size) * 2)
        # Numbered by the table's version: of two listings that race, one is ignored and comes with the next run.
        version = lake.version(CRAWL) + 1
        lake.append(CRAWL, rows.repartitionByRange(int(files), "ingest_shard"), "spatiallake:listing", version)
        return count
    finally:
        fresh.unpersist()
