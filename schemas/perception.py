"""`image_scores`, `regions`, `depths`: what the experts predict."""

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DoubleType,
    IntegerType,
    MapType,
    StringType,
    StructType,
)

from schemas.shapes import CAMERA, REGION, VECTOR
from schemas.table import Table, column, lineage

_IMAGE_ID = column("image_id", StringType(), "SHA-256 of the image's bytes", False)

IMAGE_SCORES = Table(
    name="image_scores",
    stage="filter",
    comment="Filter scores; thresholds are applied by the context stage, so moving one needs no model.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            _IMAGE_ID,
            column("scores", MapType(StringType(), DoubleType()), "every label's score in [0, 1]", False),
            *lineage(),
        ]
    ),
)

REGIONS = Table(
    name="regions",
    stage="context",
    comment="Masks, labels and captions of one image.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            _IMAGE_ID,
            column("width", IntegerType(), "px", False),
            column("height", IntegerType(), "px", False),
            column("regions", ArrayType(REGION), "regions, largest mask first", False),
            *lineage(),
        ]
    ),
)

DEPTHS = Table(
    name="depths",
    stage="depth",
    comment="Metric depth, intrinsics and gravity of one image.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            _IMAGE_ID,
            column(
                "depth",
                BinaryType(),
                "uint16 PNG of the image's size, mm along the optical axis, 0 = none; null: the crawl's, images.depth",
            ),
            column("depth_src", StringType(), "sensor, or the id of the model", False),
            column("sigma_rel", DoubleType(), "1-sigma depth error / range, independent between objects", False),
            column("scale_sigma_rel", DoubleType(), "relative 1-sigma error of the per-image depth scale; null: 0"),
            column("focal_sigma_rel", DoubleType(), "relative 1-sigma error of the focal length; null: 0"),
            column("scale_ok", BooleanType(), "depth is metric", False),
            column("camera", CAMERA, "intrinsics used", False),
            column("camera_src", StringType(), "crawl, exif, model or prior", False),
            column("gravity", VECTOR, "[3] unit vector pointing down, C, if known before lifting"),
            column("gravity_src", StringType(), "gt, imu, model or none", False),
            column("gravity_sigma_deg", DoubleType(), "declared error of gravity, degrees"),
            *lineage(),
        ]
    ),
)
