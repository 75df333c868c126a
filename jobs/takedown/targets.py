"""Which images and entries of a lake are to be removed: everything that has a key that was taken down."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from jobs.engine.joining import ARROW_ROWS, try_set
from jobs.engine.lake import Lake
from jobs.takedown.criteria import Asked
from schemas.images import CRAWL, IMAGES, PROVENANCE
from schemas.operations import QUARANTINE
from schemas.reasons import Reason
from schemas.takedowns import CERTIFICATES, TAKEDOWNS
from udfs.crawl.taken_down import ENTRY, REDACTED_ROW, image_key, keys_of, keys_of_entry, url_key

_ROWS_PER_BATCH = "10000"
ROW_KEYS = ("image_id", "uri", "image_url", "page_url", "licence")
_ADDRESS = StructType([StructField("key", StringType()), StructField("image_id", StringType())])
ENTRY_COLUMNS = ("entry_id", "crawl_uri", "uri", "member", "row_json")


@dataclass(frozen=True)
class Targets:
    """What to remove: `images` (image_id, phash, ingest_shard, image_urls) and `entries` (entry_id, ingest_shard)."""

    images: DataFrame
    entries: DataFrame


def targets_of(lake: Lake, asked: Asked) -> Targets:
    """Return what the keys concern, those of earlier takedowns that were not finished included."""
    try_set(lake.session, ARROW_ROWS, _ROWS_PER_BATCH)
    keys = _keys(lake, asked).localCheckpoint()
    images = _images(lake, keys).localCheckpoint()
    addresses = addresses_of(images).select("key").localCheckpoint()
    known = recorded(lake, asked).where(F.col("kind") == ENTRY)
    known = known.select(F.expr(f"substr(key, {len(ENTRY) + 2})").alias("entry_id"), "ingest_shard")
    entries = _entries(lake, keys.union(addresses).distinct(), images).union(known).distinct()
    return Targets(images, entries.localCheckpoint())


def addresses_of(images: DataFrame) -> DataFrame:
    """Return `key` and `image_id` for each address that images were found at."""

    def hashed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [
                {"key": url_key(url), "image_id": row["image_id"]}
                for row in batch.to_pylist()
                for url in row["image_urls"] or ()
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=to_arrow_schema(_ADDRESS))

    return images.select("image_id", "image_urls").mapInArrow(hashed, _ADDRESS).distinct()


def recorded(lake: Lake, asked: Asked) -> DataFrame:
    """Return the rows of `takedowns` of what is asked for, and of takedowns that were not finished."""
    ids = [asked.takedown_id, *unfinished(lake)]
    if not lake.exists(TAKEDOWNS):
        return lake.session.createDataFrame([], TAKEDOWNS.schema)
    return lake.read(TAKEDOWNS).where(F.col("takedown_id").isin(ids))


def unfinished(lake: Lake) -> list[str]:
    """Return the ids of takedowns that began and were not done."""
    if not lake.exists(CERTIFICATES):
        return []
    last = lake.read(CERTIFICATES).groupBy("takedown_id").agg(F.max_by("state", "written_at").alias("state"))
    return sorted(row["takedown_id"] for row in last.where("state = 'begun'").collect())


def _keys(lake: Lake, asked: Asked) -> DataFrame:
    """Return the keys that are looked for."""
    keys = lake.session.createDataFrame([(key,) for key in asked.keys], "key string")
    return keys.union(recorded(lake, asked).where(F.col("kind") != ENTRY).select("key")).distinct()


def _images(lake: Lake, keys: DataFrame) -> DataFrame:
    """Return the images that have one of the keys, in any place where they were found."""
    named = keys.where(F.col("key").startswith(image_key("")))
    ids = named.select(F.expr(f"substr(key, {len(image_key('')) + 1})").alias("image_id"))
    found = [ids]
    if _only_images(keys):
        return _described(lake, ids.distinct())
    if lake.exists(PROVENANCE):
        places = lake.read(PROVENANCE)
        found.append(_with_keys(places.select(*ROW_KEYS), "image_id", _keys_of_places, keys))
    if lake.exists(IMAGES):
        licensed = lake.read(IMAGES).select("image_id", "licence")
        nothing = [F.lit(None).cast("string").alias(name) for name in ROW_KEYS if name not in licensed.columns]
        found.append(_with_keys(licensed.select("*", *nothing), "image_id", _keys_of_places, keys))
    wanted = reduce(DataFrame.union, found).distinct()
    return _described(lake, wanted)


def _only_images(keys: DataFrame) -> bool:
    return keys.where(~F.col("key").startswith(image_key(""))).isEmpty()


def _described(lake: Lake, wanted: DataFrame) -> DataFrame:
    """Return images with their hash and addresses, also those that the lake does not have (any more)."""
    images = "image_id string, phash string, ingest_shard bigint"
    held = lake.session.createDataFrame([], images)
    urls = lake.session.createDataFrame([], "image_id string, image_urls array<string>")
    if lake.exists(IMAGES):
        held = lake.read(IMAGES).select("image_id", "phash", "ingest_shard")
    if lake.exists(PROVENANCE):
        grouped = lake.read(PROVENANCE).join(F.broadcast(wanted), "image_id").groupBy("image_id")
        urls = grouped.agg(F.collect_set("image_url").alias("image_urls"))
    return wanted.join(held, "image_id", "left").join(urls, "image_id", "left")


def _entries(lake: Lake, keys: DataFrame, images: DataFrame) -> DataFrame:
    """Return the entries that led to the images, those with a key of their own, and those that ingest has refused."""
    found = [lake.session.createDataFrame([], "entry_id string, ingest_shard bigint")]
    if lake.exists(PROVENANCE):
        places = lake.read(PROVENANCE).join(F.broadcast(images.select("image_id")), "image_id", "left_semi")
        found.append(places.select("entry_id", "ingest_shard"))
    if lake.exists(CRAWL):
        crawl = lake.read(CRAWL).where(~F.col("row_json").eqNullSafe(REDACTED_ROW))
        if not _only_images(keys):
            wanted = _with_keys(crawl.select(*ENTRY_COLUMNS), "entry_id", _keys_of_entries, keys)
            found.append(crawl.join(F.broadcast(wanted), "entry_id").select("entry_id", "ingest_shard"))
        if lake.exists(QUARANTINE):
            refused = (
                lake.read(QUARANTINE).where(F.col("reason") == str(Reason.TAKEN_DOWN)).select("entry_id").distinct()
            )
            found.append(crawl.join(refused, "entry_id").select("entry_id", "ingest_shard"))
    return reduce(DataFrame.union, found).distinct()


def _with_keys(
    rows: DataFrame, name: str, keys_of_batch: Callable[[pa.RecordBatch], pa.Array], keys: DataFrame
) -> DataFrame:
    """Return the column `name` of the rows that have one of the keys."""
    schema = StructType([StructField(name, StringType()), StructField("keys", ArrayType(StringType()))])

    def keyed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({name: batch.column(name), "keys": keys_of_batch(batch)})

    each = rows.mapInArrow(keyed, schema).select(name, F.explode("keys").alias("key"))
    return each.join(F.broadcast(keys), "key", "left_semi").select(name).distinct()


def _keys_of_places(batch: pa.RecordBatch) -> pa.Array:
    rows = batch.select(list(ROW_KEYS)).to_pylist()
    return pa.array([keys_of(**row) for row in rows], pa.list_(pa.string()))


def _keys_of_entries(batch: pa.RecordBatch) -> pa.Array:
    return pa.array([keys_of_entry(row) for row in batch.to_pylist()], pa.list_(pa.string()))
