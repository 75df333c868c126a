"""Nested types that several tables share."""

from pyspark.sql.types import ArrayType, BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.table import column

VECTOR = ArrayType(DoubleType())

CAMERA = StructType(
    [
        column("fx", DoubleType(), "focal length along u, px"),
        column("fy", DoubleType(), "focal length along v, px"),
        column("cx", DoubleType(), "principal point u, px; the centre of the top-left pixel is 0"),
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
        column("box_3d", BOX_3D, "amodal box, if the crawl has one"),
        column("front", VECTOR, "[3] unit vector in C, the object's front, if known"),
    ]
)

SIMILAR = StructType(
    [
        column("region_id", IntegerType(), "another region of the photograph"),
        column("similarity", DoubleType(), "cosine of the embeddings of captions, or of crops if greater, in [-1, 1]"),
    ]
)

REGION = StructType(
    [
        column("region_id", IntegerType(), "the crawl's instance id where it has one"),
        column("label", StringType(), "category name"),
        column("captions", ArrayType(StringType()), "noun phrases, best first"),
        column("score", DoubleType(), "detector confidence in [0, 1]; 1 for crawl annotations"),
        column("chance", DoubleType(), "declared chance that the mask shows one object; null where none is declared"),
        column("edge_sigma_px", DoubleType(), "declared error of the outline, px; null: as the pixels say"),
        column("bbox_px", ArrayType(IntegerType()), "[4] u0, v0, u1, v1 px, half-open, tight on the mask"),
        column("area_px", IntegerType(), "mask area, px"),
        column("rle", StringType(), "COCO compressed RLE counts of the full-size mask (height x width of the image)"),
        column("box_3d", BOX_3D, "amodal box, if known"),
        column("front", VECTOR, "[3] unit vector in C, if known"),
        column("similar", ArrayType(SIMILAR), "the other regions, most alike first; null where none were compared"),
    ]
)

REJECTED_OBJECT = StructType(
    [
        column("region_id", IntegerType(), "region that was left out"),
        column("reason", StringType(), "reason code"),
        column("detail", StringType(), "one sentence with the value"),
    ]
)

PLANE = StructType(
    [
        column("plane_id", IntegerType(), "0 = the plane that carries frame W's origin"),
        column("kind", StringType(), "floor or table"),
        column("height_m", DoubleType(), "height in W, m"),
        column("normal_c", VECTOR, "[3] unit normal in C, pointing up"),
        column("offset_m", DoubleType(), "distance of the camera centre above the plane, m"),
        column("area_m2", DoubleType(), "visible area, m2"),
        column("inliers", IntegerType(), "supporting sample points"),
    ]
)

OBJECT = StructType(
    [
        column("object_id", IntegerType(), "the crawl's instance id where it has one"),
        column("label", StringType(), "category name"),
        column("captions", ArrayType(StringType()), "noun phrases, best first"),
        column("n_points", IntegerType(), "cleaned points"),
        column("centre_m", VECTOR, "[3] median per axis of the visible points, W"),
        column("lo_m", VECTOR, "[3] 2nd percentile per axis of the visible points, W"),
        column("hi_m", VECTOR, "[3] 98th percentile per axis of the visible points, W"),
        column("range_m", DoubleType(), "5th percentile of distance from the camera, m"),
        column("depth_m", DoubleType(), "5th percentile of z in C, m"),
        column("centre_c_m", VECTOR, "[3] median per axis of the visible points, C"),
        column("u_norm", DoubleType(), "median mask pixel column / width"),
        column("v_norm", DoubleType(), "median mask pixel row / height"),
        column("bbox_px", ArrayType(IntegerType()), "[4] mask box, px, half-open"),
        column("area_px", IntegerType(), "mask area before cleaning, px"),
        column("sigma_m", DoubleType(), "declared depth error at range_m, m"),
        column("edge_sigma_px", DoubleType(), "declared error of the outline, px; null: as the pixels say"),
        column("yaw_rad", DoubleType(), "heading of the long side of the visible yaw box, W, [-pi/2, pi/2)"),
        column("yaw_box_m", VECTOR, "[4] cx, cy, L, D of the visible minimum-area rectangle, W, L >= D"),
        column("foot_m", VECTOR, "[2k] footprint polygon x0, y0, x1, y1, .. counter-clockwise, W"),
        column("size_source", StringType(), "amodal (crawl box) or visible"),
        column("size_m", VECTOR, "[5] e_x, e_y, H, L, D for size questions, m, W"),
        column("volume_m3", DoubleType(), "volume for size questions, m3"),
        column("size_ok", BooleanType(), "amodal box, or neither truncated nor occluded over 10 %"),
        column("corners_m", VECTOR, "[24] eight corners of the size box in W: bottom 4 then top 4, counter-clockwise"),
        column("truncated", BooleanType(), "the mask touches the image border"),
        column("occlusion", DoubleType(), "share of the mask outline that borders something nearer"),
        column("front_w", VECTOR, "[3] unit horizontal front in W, if known"),
        column("front_confidence", DoubleType(), "confidence of front_w in [0, 1]"),
        column("support_plane_id", IntegerType(), "plane that it rests on, or null"),
    ]
)

PAIR = StructType(
    [
        column("a", IntegerType(), "object id, first in scene order"),
        column("b", IntegerType(), "object id, later in scene order"),
        column("gap_m", DoubleType(), "D_gap: robust closest-surface distance, m"),
        column("clearance_m", DoubleType(), "distance between footprint polygons, m; 0 when they overlap"),
        column("foot_overlap_m2", DoubleType(), "area of the footprints' intersection, m2"),
        column("masks_adjacent", BooleanType(), "the masks touch within 2 px"),
    ]
)

REFERENCE = StructType(
    [
        column("object_id", IntegerType(), "object"),
        column("expression", StringType(), "noun phrase with article, unique in its image"),
        column("form", StringType(), "label, caption, attribute, position or ordinal"),
        column("group_size", IntegerType(), "alike objects that it was told apart from, itself included"),
    ]
)
