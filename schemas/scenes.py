"""`scenes`, `references`: lifted geometry, and how each object is referred to."""

from pyspark.sql.types import ArrayType, BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.shapes import (
    CAMERA,
    OBJECT,
    PAIR,
    PLACE,
    PLANE,
    REFERENCE,
    REJECTED_OBJECT,
    SIGHT,
    SPACE,
    VECTOR,
)
from schemas.table import Table, column, lineage

_IMAGE_ID = column("image_id", StringType(), "SHA-256 of the image's bytes", False)

SCENES = Table(
    name="scenes",
    stage="lift",
    comment="One image lifted to metric 3D: frame W, support planes, objects and pairs.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            _IMAGE_ID,
            column("width", IntegerType(), "px", False),
            column("height", IntegerType(), "px", False),
            column("camera", CAMERA, "intrinsics used", False),
            column("camera_src", StringType(), "crawl, exif, model or prior", False),
            column("depth_src", StringType(), "sensor, or the id of the model", False),
            column("sigma_rel", DoubleType(), "1-sigma depth error / range, independent between objects", False),
            column("scale_sigma_rel", DoubleType(), "relative 1-sigma error of the per-image depth scale; null: 0"),
            column("focal_sigma_rel", DoubleType(), "relative 1-sigma error of the focal length; null: 0"),
            column("depth_noise_rel", DoubleType(), "measured pixel noise of the depth map / range"),
            column("scale_ok", BooleanType(), "depth is metric", False),
            column("gravity_c", VECTOR, "[3] unit vector pointing down in C, or null"),
            column("gravity_src", StringType(), "gt, imu, plane, model or none", False),
            column("gravity_sigma_deg", DoubleType(), "error of gravity, degrees; null when gravity_src is none"),
            column(
                "has_plane",
                StringType(),
                "floor, table, surface (either) or none: what holds W's origin",
                False,
            ),
            column("world_from_camera", VECTOR, "[12] row-major 3x4: p_W = R p_C + t, m", False),
            column("planes", ArrayType(PLANE), "horizontal support planes, plane 0 first", False),
            column("objects", ArrayType(OBJECT), "lifted objects, by id", False),
            column("pairs", ArrayType(PAIR), "every pair of lifted objects", False),
            column("rejected", ArrayType(REJECTED_OBJECT), "regions left out, with the reason", False),
            column("places", ArrayType(PLACE), "surfaces and openings; NULL unless lift.places"),
            column("spaces", ArrayType(SPACE), "free space beside and on objects; NULL unless lift.places"),
            column("sights", ArrayType(SIGHT), "lines of sight that are decided; NULL unless lift.places"),
            *lineage(),
        ]
    ),
)

REFERENCES = Table(
    name="references",
    stage="disambiguate",
    comment="Referring expressions: no two objects of an image share one.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            _IMAGE_ID,
            column("references", ArrayType(REFERENCE), "objects that can be named", False),
            column("rejected", ArrayType(REJECTED_OBJECT), "objects that cannot be named, with the reason", False),
            *lineage(),
        ]
    ),
)
