"""`takedowns`, `certificates`: what was removed for good and is refused from then on, and what a removal did."""

from pyspark.sql.types import ArrayType, BooleanType, LongType, StringType, StructType, TimestampType

from schemas.table import Table, column

_AT = column("written_at", TimestampType(), "when the row was written", False)
_VERSION = column("engine_version", StringType(), "version of spatiallake that wrote the row", False)

TAKEDOWNS = Table(
    name="takedowns",
    comment="One row per image, address, domain or license that was taken down; ingest refuses each of them.",
    key=("takedown_id", "key"),
    cluster_by=("kind",),
    # The least and greatest key in the log would skip no file.
    properties={"delta.dataSkippingStatsColumns": "kind"},
    schema=StructType(
        [
            column("takedown_id", StringType(), "hash of what a takedown named", False),
            column("kind", StringType(), "image, url, domain, licence, or entry of `crawl`", False),
            column("key", StringType(), "kind and value; of an address only the SHA-256", False),
            column("asked", BooleanType(), "named by the command; false: it belongs to an image that was found", False),
            column("image_id", StringType(), "SHA-256 of the image's bytes, where the key is an image"),
            column("phash", StringType(), "64-bit perceptual hash of the image, to find its near-duplicates"),
            column("ingest_shard", LongType(), "ingest shard that the image or the entry was in"),
            _AT,
            _VERSION,
        ]
    ),
)

CERTIFICATES = Table(
    name="certificates",
    comment="One row when a takedown begins and one when it is done, with what it did.",
    key=("takedown_id", "state", "written_at"),
    cluster_by=("takedown_id",),
    schema=StructType(
        [
            column("takedown_id", StringType(), "hash of what the takedown named", False),
            column("state", StringType(), "begun or done", False),
            column("criteria", ArrayType(StringType()), "keys that the command named", False),
            column(
                "begun_json", StringType(), "when it began, and versions and rows of the tables then, as JSON", False
            ),
            column("certificate_json", StringType(), "the whole certificate as JSON; null: begun"),
            _AT,
            _VERSION,
        ]
    ),
)
