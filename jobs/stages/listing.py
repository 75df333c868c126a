"""List a crawl of any kind into table `crawl`, in ingest shards, without fetching an image."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import LongType, StructType

from jobs.engine.errors import CrawlUnreadable
from jobs.engine.lake import Lake
from jobs.engine.listings import record, unlisted
from jobs.takedown.refusals import refused_keys
from schemas.images import CRAWL
from schemas.table import ENGINE_VERSION, column
from udfs.crawl.entries import MANIFEST, UNLISTED
from udfs.crawl.layout import Layout, LayoutUnclear, layout_of
from udfs.crawl.listing import entries_of, loose_entries, numbered, rows_in
from udfs.crawl.pieces import Piece
from udfs.crawl.taken_down import RefusedKeys, keys_of_entry, redacted
from udfs.storage.files import MissingFile

_POSITION = column("position", LongType(), "place in the crawl; sparse between tars", False)
_OF_LISTING = ("listed_on", "ingest_shard")
LISTED = StructType([field for field in CRAWL.schema.fields if field.name not in _OF_LISTING] + [_POSITION])

# Pieces whose entries are numbered through.
NUMBERED = ("lines", "table")
_ENTRIES_PER_BATCH = 1_024
_PIECES_PER_TASK = 4
_SMALLEST_SHARD = 16
_SHARDS_OF_A_SMALL_CRAWL = 8


class ListingOptions(BaseModel):
    """Options of a listing; none of them changes the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunk_bytes: int = Field(default=32 * 2**20, ge=1, description="bytes of a JSON-lines manifest that one task reads")
    inventory: str | None = Field(default=None, description="S3 inventory that lists the crawl")
    after: str | None = Field(default=None, description="URI after which a folder or prefix is listed")


def append_listing(lake: Lake, crawl: Layout, shard_size: int) -> int:
    """List a crawl and append the entries that table `crawl` lacks; return their number.

    Entries are numbered into shards of `shard_size`, or smaller ones where a small crawl would leave cores idle.
    Each shard is one file, so that a stream of files is a stream of whole shards, and belongs to one listing: to one
    crawl and one day. Tars, parquet files and parts of a manifest that were listed before are not looked at again.
    """
    lake.ensure(CRAWL)
    fresh = unlisted(lake, crawl)
    if not fresh.pieces and not fresh.loose:
        return 0
    count, unreadable = _append(lake, fresh, shard_size)
    record(lake, fresh, unreadable)
    return count


def _append(lake: Lake, crawl: Layout, shard_size: int) -> tuple[int, set[str]]:
    """Return how many entries were appended, and the files that could not be listed."""
    known = lake.read(CRAWL)
    fresh = list_crawl(lake.session, crawl).join(known.select("entry_id"), "entry_id", "left_anti")
    fresh = without_taken_down(fresh, refused_keys(lake)).persist()
    try:
        first, last, count = fresh.agg(F.min("position"), F.max("position"), F.count("*")).collect()[0]
        if not count:
            return 0, set()
        # Before the append, since Spark computes a cached plan again when one of its tables is written.
        failed = fresh.where(F.col("row_json").contains(UNLISTED)).select("uri").distinct().collect()
        size = rows_per_shard(count, shard_size)
        next_shard = (known.agg(F.max("ingest_shard")).collect()[0][0] or 0) + 1
        shard = F.lit(next_shard) + F.floor((F.col("position") - first) / size)
        own = {"listed_on": F.lit(today()), "ingest_shard": shard.cast("bigint")}
        rows = fresh.withColumns({**own, "engine_version": F.lit(ENGINE_VERSION)})
        files = min(-(-(last - first + 1) // size), -(-count // size) * 2)
        # Numbered by the table's version: of two concurrent listings, Delta ignores one; its entries come with the next
        # run.
        version = lake.version(CRAWL) + 1
        lake.append(CRAWL, rows.repartitionByRange(int(files), "ingest_shard"), "spatiallake:listing", version)
        return count, {row[0] for row in failed}
    finally:
        fresh.unpersist()


def rows_per_shard(count: int, shard_size: int) -> int:
    """Return how many of `count` new entries are a shard: `shard_size`, or fewer where cores would be idle."""
    return max(min(shard_size, count // _SHARDS_OF_A_SMALL_CRAWL), min(shard_size, _SMALLEST_SHARD))


def today() -> date:
    """Return the day (UTC) of a listing."""
    return datetime.now(UTC).date()


def without_taken_down(listed: DataFrame, refused: RefusedKeys) -> DataFrame:
    """Return listed entries, of those that were taken down the ids alone; ingest refuses these."""
    if not refused:
        return listed
    # The join with known entries has put the id first.
    schema = to_arrow_schema(listed.schema)

    def screened(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [redacted(row) if refused.has_any(keys_of_entry(row)) else row for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=schema)

    return listed.mapInArrow(screened, listed.schema)


def crawl_layout(crawl_uri: str, options: ListingOptions | None = None) -> Layout:
    """Return the layout of a crawl; this needs no Spark session.

    Raises:
        CrawlUnreadable: nothing there, two manifests, a kind that is not read, or a store that does not answer.
    """
    given = options or ListingOptions()
    try:
        return layout_of(crawl_uri, given.chunk_bytes, given.inventory, given.after)
    except (MissingFile, LayoutUnclear) as error:
        raise CrawlUnreadable(str(error)) from error
    except (BotoCoreError, ClientError, pa.ArrowException, OSError) as error:
        sentence = f"The crawl {crawl_uri} cannot be listed: {error}; check the URI and its store."
        raise CrawlUnreadable(sentence) from error


def list_crawl(session: SparkSession, crawl: Layout) -> DataFrame:
    """Return the rows of `crawl` without `ingest_shard`, and their `position`.

    Positions follow the manifest's order, or sorted URIs; the samples of each tar or img2dataset shard start at a
    multiple of 1,000,000. A row that a manifest or shard lists twice appears once.
    """
    frames = []
    if crawl.pieces:
        frames.append(_from_pieces(session, crawl))
    if crawl.loose or not frames:
        frames.append(_from_files(session, crawl))
    listed = frames[0] if len(frames) == 1 else frames[0].unionAll(frames[1])
    return _without_repeats(listed) if may_repeat(crawl) else listed


def may_repeat(crawl: Layout) -> bool:
    """Return whether a crawl of this kind may list a row twice."""
    return crawl.kind == MANIFEST or any(piece.form == "shard" for piece in crawl.pieces)


def _from_files(session: SparkSession, layout: Layout) -> DataFrame:
    table = pa.Table.from_pylist(list(loose_entries(layout)), schema=to_arrow_schema(LISTED))
    return session.createDataFrame(table, LISTED)


def _from_pieces(session: SparkSession, layout: Layout) -> DataFrame:
    pieces = layout.pieces
    if pieces[0].form in NUMBERED:
        pieces = numbered(pieces, _rows_by_piece(session, pieces))
    schema, crawl_uri = to_arrow_schema(LISTED), layout.crawl_uri

    def listed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for piece in _pieces_in(batches):
            rows = []
            for row in entries_of(piece, crawl_uri):
                rows.append(row)
                if len(rows) == _ENTRIES_PER_BATCH:
                    yield pa.RecordBatch.from_pylist(rows, schema=schema)
                    rows = []
            yield pa.RecordBatch.from_pylist(rows, schema=schema)

    return _spread(session, pieces).mapInArrow(listed, LISTED)


def _rows_by_piece(session: SparkSession, pieces: list[Piece]) -> dict[int, int]:
    """Return the rows of each piece by its index; a manifest of one piece need not be counted."""
    if len(pieces) == 1:
        return {0: 0}
    schema = to_arrow_schema(_COUNTED)

    def counted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [{"index": row.pop("index"), "rows": rows_in(Piece(**row))} for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=schema)

    return {row["index"]: row["rows"] for row in _spread(session, pieces).mapInArrow(counted, _COUNTED).collect()}


_COUNTED = StructType([column("index", LongType(), "piece"), column("rows", LongType(), "rows in it")])


def _spread(session: SparkSession, pieces: list[Piece]) -> DataFrame:
    table = pa.Table.from_pylist([{**asdict(piece), "index": index} for index, piece in enumerate(pieces)])
    return session.createDataFrame(table).repartition(-(-len(pieces) // _PIECES_PER_TASK))


def _pieces_in(batches: Iterable[pa.RecordBatch]) -> Iterator[Piece]:
    for batch in batches:
        for row in batch.to_pylist():
            yield Piece(**{name: value for name, value in row.items() if name != "index"})


def _without_repeats(listed: DataFrame) -> DataFrame:
    kept = [F.min_by(name, "position").alias(name) for name in listed.columns if name not in ("entry_id", "position")]
    return listed.groupBy("entry_id").agg(*kept, F.min("position").alias("position")).select(*LISTED.names)
