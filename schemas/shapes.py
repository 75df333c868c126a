"""Nested types that several tables share."""

from pyspark.sql.types import ArrayType, BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.table import column

VECTOR = ArrayType(DoubleType())

CAMERA = StructType(
    [
        column("fx", DoubleType(), "focal length along u, px"),
        column("fy", DoubleType(), "focal length along v, px"),
        column("cx", DoubleType(), "principal point u, px; the center of the top-left pixel is 0"),
        column("cy", DoubleType(), "principal point v, px"),
    ]
)

BOX_3D = StructType(
    [
        column("center", VECTOR, "[3] m, camera frame C (x right, y down, z forward)"),
        column("size", VECTOR, "[3] m, full lengths along the box's own x, y, z"),
        column("rotation", VECTOR, "[9] row-major 3x3, columns are the box axes in C"),
    ]
)

CRAWL_OBJECT = StructType(
    [
        column("id", IntegerType(), "pixel value in the instance PNG"),
        column("label", StringType(), "category name"),
        column("captions", ArrayType(StringType()), "noun phrases, best first"),
        column("box_3d", BOX_3D, "amodal box; NULL if the crawl has none"),
        column("front", VECTOR, "[3] unit vector in C toward the object's front; NULL if unknown"),
    ]
)

SIMILAR = StructType(
    [
        column("region_id", IntegerType(), "another region of the same image"),
        column(
            "similarity", DoubleType(), "cosine similarity of caption or crop embeddings, the larger one, in [-1, 1]"
        ),
    ]
)

NAME = StructType(
    [
        column("noun", StringType(), "category name; NULL: the color alone is said"),
        column("color", StringType(), "color name; NULL: the noun alone is said"),
        column("probability", DoubleType(), "declared probability that every word of it is right"),
    ]
)

REGION = StructType(
    [
        column("region_id", IntegerType(), "region id; the crawl's instance id if it has one"),
        column("label", StringType(), "category name"),
        column("captions", ArrayType(StringType()), "noun phrases, best first"),
        column("score", DoubleType(), "detector confidence in [0, 1]; 1 for crawl annotations"),
        column(
            "object_probability",
            DoubleType(),
            "declared probability that the mask shows a single object; NULL = not declared",
        ),
        column("names", ArrayType(NAME), "what it may be called, most probable first; NULL = no probability declared"),
        column("edge_sigma_px", DoubleType(), "declared 1-sigma error of the mask outline, px; NULL = pixel precision"),
        column("bbox_px", ArrayType(IntegerType()), "[4] u0, v0, u1, v1 px, half-open, tight on the mask"),
        column("area_px", IntegerType(), "mask area, px"),
        column("rle", StringType(), "COCO compressed RLE counts of the full-size mask (height x width of the image)"),
        column("box_3d", BOX_3D, "amodal box; NULL if unknown"),
        column("front", VECTOR, "[3] unit vector in C toward the object's front; NULL if unknown"),
        column("similar", ArrayType(SIMILAR), "other regions, most similar first; NULL if not compared"),
    ]
)

REJECTED_OBJECT = StructType(
    [
        column("region_id", IntegerType(), "id of the rejected region"),
        column("reason", StringType(), "reason code"),
        column("detail", StringType(), "one sentence with the measured value"),
    ]
)

PLANE = StructType(
    [
        column("plane_id", IntegerType(), "plane id; 0 = the plane that contains the origin of frame W"),
        column("kind", StringType(), "floor, table or surface (either)"),
        column("height_m", DoubleType(), "height in W, m"),
        column("normal_c", VECTOR, "[3] unit normal in C, pointing up"),
        column("offset_m", DoubleType(), "height of the camera center above the plane, m"),
        column("area_m2", DoubleType(), "visible area, m2"),
        column("inliers", IntegerType(), "number of sample points on the plane"),
    ]
)

OBJECT = StructType(
    [
        column("object_id", IntegerType(), "object id; the crawl's instance id if it has one"),
        column("label", StringType(), "category name"),
        column("captions", ArrayType(StringType()), "noun phrases, best first"),
        column("n_points", IntegerType(), "number of points after cleaning"),
        column("center_m", VECTOR, "[3] median per axis of the visible points, W"),
        column("lo_m", VECTOR, "[3] 2nd percentile per axis of the visible points, W"),
        column("hi_m", VECTOR, "[3] 98th percentile per axis of the visible points, W"),
        column("range_m", DoubleType(), "5th percentile of distance from the camera, m"),
        column("depth_m", DoubleType(), "5th percentile of z in C, m"),
        column("center_c_m", VECTOR, "[3] median per axis of the visible points, C"),
        column("u_norm", DoubleType(), "median mask pixel column / width"),
        column("v_norm", DoubleType(), "median mask pixel row / height"),
        column("bbox_px", ArrayType(IntegerType()), "[4] mask box, px, half-open"),
        column("area_px", IntegerType(), "mask area before cleaning, px"),
        column("sigma_m", DoubleType(), "declared 1-sigma depth error at range_m, m"),
        column("edge_sigma_px", DoubleType(), "declared 1-sigma error of the mask outline, px; NULL = pixel precision"),
        column("yaw_rad", DoubleType(), "heading of the long side of the visible yaw box, W, [-pi/2, pi/2)"),
        column("yaw_box_m", VECTOR, "[4] cx, cy, L, D of the visible minimum-area rectangle, W, L >= D"),
        column("foot_m", VECTOR, "[2k] footprint polygon x0, y0, x1, y1, .. counter-clockwise, W"),
        column(
            "size_source",
            StringType(),
            "amodal (box of the crawl), support (down to what it rests on) or visible",
        ),
        column("size_m", VECTOR, "[5] e_x, e_y, H, L, D in W, m, as used by size questions"),
        column("volume_m3", DoubleType(), "volume used by size questions, m3"),
        column(
            "size_ok",
            BooleanType(),
            "whether size questions are allowed: amodal box, or not truncated, at most 10 % occluded and of a height "
            "that is known to 8 % or 1 cm",
        ),
        column("corners_m", VECTOR, "[24] eight corners of the size box in W: bottom 4 then top 4, counter-clockwise"),
        column(
            "height_sigma_m",
            DoubleType(),
            "standard error that hidden, thin and smeared ends lend to the height, m; NULL for the crawl's own box",
        ),
        column(
            "box_sigma_m",
            DoubleType(),
            "standard error that hidden sides lend to the center of the size box, m; NULL for the crawl's own box",
        ),
        column("truncated", BooleanType(), "the mask touches the image border"),
        column("occlusion", DoubleType(), "share of the mask outline that borders a nearer surface, in [0, 1]"),
        column("front_w", VECTOR, "[3] unit horizontal front in W; NULL if unknown"),
        column("front_confidence", DoubleType(), "length of the horizontal part of the front vector, in [0, 1]"),
        column("support_plane_id", IntegerType(), "plane_id of the plane that the object rests on; NULL if none"),
    ]
)

PAIR = StructType(
    [
        column("a", IntegerType(), "object id of the first object in scene order"),
        column("b", IntegerType(), "object id of the second object in scene order"),
        column("gap_m", DoubleType(), "D_gap: robust closest-surface distance, m"),
        column("clearance_m", DoubleType(), "distance between footprint polygons, m; 0 if they overlap"),
        column("foot_overlap_m2", DoubleType(), "area of the footprints' intersection, m2"),
        column("masks_adjacent", BooleanType(), "the masks touch within 2 px"),
    ]
)

PLACE = StructType(
    [
        column("place_id", IntegerType(), "id of the surface or opening in its image"),
        column("kind", StringType(), "wall, doorway or top (of an object)"),
        column("name", StringType(), "how it is called; NULL for a top, which is called after its object"),
        column("object_id", IntegerType(), "top: the object"),
        column("normal_m", VECTOR, "[3] wall, doorway: unit horizontal normal in W, toward the camera"),
        column("offset_m", DoubleType(), "wall, doorway: distance of a point p in W is normal . p + offset, m"),
        column("height_m", DoubleType(), "top: height in W, m"),
        column("width_m", DoubleType(), "doorway: clear width, m"),
        column("is_whole", BooleanType(), "top: the object is neither truncated nor more than 10 % occluded"),
        column("sigma_m", DoubleType(), "wall, doorway: standard error of distance or width from the fit alone, m"),
    ]
)

SPACE = StructType(
    [
        column("object_id", IntegerType(), "object that the free space is beside or on top of"),
        column("side", StringType(), "left, right, front or behind, as the viewer sees it, or top"),
        column("height_m", DoubleType(), "height of the surface in W, m"),
        column("point", VECTOR, "[2] (u, v) in [0, 1) of the free point farthest from all else"),
        column("point_m", VECTOR, "[3] the same in W, m"),
        column("radius_m", DoubleType(), "radius of the free circle about the point, m"),
        column("area_m2", DoubleType(), "visible free area, m2"),
        column(
            "outline", VECTOR, "[2k] outline of the connected free area about the point: u0, v0, u1, v1, .. in [0, 1)"
        ),
        column("hidden_m2", DoubleType(), "top: area within its outline that is neither seen nor covered, m2"),
        column("whole_m2", DoubleType(), "top: area within its outline, m2"),
        column("long_m", DoubleType(), "top: longer side of the largest free rectangle along the object's axes, m"),
        column("short_m", DoubleType(), "top: its shorter side, m"),
    ]
)

SIGHT = StructType(
    [
        column("a", IntegerType(), "object id"),
        column("b", IntegerType(), "object id"),
        column("clear", BooleanType(), "whether a straight line joins the two with nothing in between"),
    ]
)

REFERENCE = StructType(
    [
        column("object_id", IntegerType(), "object id"),
        column("expression", StringType(), "noun phrase with article, unique in its image"),
        column("form", StringType(), "label, caption, attribute, position or ordinal"),
        column(
            "group_size", IntegerType(), "number of similar objects that the expression distinguishes, itself included"
        ),
    ]
)
