"""`crawl`, `images`, `provenance`: what came in, and where from."""

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructType,
)

from schemas.shapes import CAMERA, CRAWL_OBJECT, VECTOR
from schemas.table import Table, column

_SHARD = column("ingest_shard", LongType(), "ingest shard", False)
_VERSION = column("engine_version", StringType(), "version of spatiallake that wrote the row", False)

CRAWL = Table(
    name="crawl",
    stage="ingest",
    comment="One row per listed image of a crawl, before anything is fetched.",
    key=("entry_id",),
    schema=StructType(
        [
            column("entry_id", StringType(), "hash of the location and of the row as listed", False),
            column("kind", StringType(), "folder, img2dataset_tar, img2dataset_files, parquet or manifest", False),
            column("crawl_uri", StringType(), "what the user named", False),
            column("uri", StringType(), "the image, absolute; for tars and parquet files the container"),
            column("member", StringType(), "member of the tar, row of the parquet file, or null"),
            column("row_json", StringType(), "the manifest row, or the img2dataset metadata, as JSON"),
            column("listed_on", DateType(), "day (UTC) of the listing; null in lakes of earlier versions"),
            _SHARD,
            _VERSION,
        ]
    ),
)

# The property of `images` that lakes of versions which kept depth and masks as stored do not have.
FRAME = "spatiallake.frame"

IMAGES = Table(
    name="images",
    stage="ingest",
    comment="One row per distinct image: bytes, identity and what the crawl carries about it.",
    key=("image_id",),
    checks={"positive_size": "width > 0 AND height > 0"},
    properties={FRAME: "upright"},
    schema=StructType(
        [
            column("image_id", StringType(), "SHA-256 of the image's bytes, hex", False),
            column("bytes", BinaryType(), "the image file as crawled", False),
            column("format", StringType(), "jpeg, png or webp", False),
            column("width", IntegerType(), "px, of the upright image", False),
            column("height", IntegerType(), "px, of the upright image", False),
            column("exif_orientation", IntegerType(), "EXIF orientation tag of the file, 1 when absent"),
            column("phash", StringType(), "64-bit perceptual hash, hex"),
            column("licence", StringType(), "as crawled"),
            column("alt_text", StringType(), "as crawled, with encoding errors repaired"),
            column("camera", CAMERA, "pinhole intrinsics of the upright image, if carried"),
            column("exif_focal_px", DoubleType(), "focal length by EXIF, px, if it tells"),
            column("exif_focal_sigma_rel", DoubleType(), "relative 1-sigma error of exif_focal_px"),
            column("gravity", VECTOR, "[3] unit vector pointing down, C of the upright image, if carried"),
            column("pose", VECTOR, "[16] camera to world, row-major, if carried"),
            column("sequence_id", StringType(), "sequence or episode"),
            column("frame_index", IntegerType(), "frame in the sequence"),
            column("depth", BinaryType(), "uint16 PNG, upright, mm along the optical axis, 0 = none, if carried"),
            column("instances", BinaryType(), "PNG, upright, pixel value = object id, if carried"),
            column("objects", ArrayType(CRAWL_OBJECT), "annotated objects, if carried"),
            column("episode_json", StringType(), "instruction, action, state of robot episodes, as JSON"),
            _SHARD,
            _VERSION,
        ]
    ),
)

PROVENANCE = Table(
    name="provenance",
    stage="ingest",
    comment="One row per place where an image was found.",
    key=("entry_id",),
    schema=StructType(
        [
            column("entry_id", StringType(), "row of `crawl`", False),
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("uri", StringType(), "where the bytes were read"),
            column("crawl_id", StringType(), "as crawled"),
            column("source", StringType(), "as crawled"),
            column("image_url", StringType(), "as crawled"),
            column("page_url", StringType(), "as crawled"),
            column("alt_text", StringType(), "as crawled"),
            column("licence", StringType(), "as crawled"),
            column("crawled_at", StringType(), "as crawled"),
            column("robots", StringType(), "as crawled"),
            _SHARD,
            _VERSION,
        ]
    ),
)
