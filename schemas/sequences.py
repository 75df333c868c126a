"""`fused_frames`, `fused_scenes`, `sequence_qa_pairs`: posed sequences as one scene, and questions about them."""

from pyspark.sql.types import ArrayType, BooleanType, DoubleType, IntegerType, LongType, StringType, StructType

from schemas.shapes import VECTOR
from schemas.table import Table, column, lineage

_TEXTS = ArrayType(StringType())
_INTS = ArrayType(IntegerType())
_FUSION = column("fusion_id", StringType(), "hash of recipe and fused images; null: the frame is part of none")

FUSED_FRAMES = Table(
    name="fused_frames",
    stage="fuse",
    comment="One row per lifted image: the fused scene that it is part of, or why it is part of none.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("sequence_id", StringType(), "as in `images`; null: no frame of a sequence"),
            column("frame_index", IntegerType(), "frame in the sequence"),
            _FUSION,
            column("left_out", StringType(), "one sentence: why the frame is part of no fused scene; null: it is"),
            *lineage(),
        ]
    ),
)

FUSED_OBJECT = StructType(
    [
        column("object_id", IntegerType(), "id in the fused scene, from 1"),
        column("label", StringType(), "category name"),
        column("captions", _TEXTS, "noun phrases of all frames"),
        column("name", StringType(), "how questions call it; null: nothing tells it from others"),
        column("frames", _INTS, "frame_index of the frames that show it"),
        column("region_ids", _INTS, "its object id in each of them"),
        column("center_m", VECTOR, "[3] center of the box, F"),
        column("center_sigma_m", DoubleType(), "standard error of the center: declared, or as the views disagree, m"),
        column("size_m", VECTOR, "[5] e_x, e_y, H, L, D in F, m"),
        column("size_sigma_m", DoubleType(), "standard error of the sides, likewise, m"),
        column("corners_m", VECTOR, "[24] eight corners of the box in F: bottom 4 then top 4, counter-clockwise"),
        column("is_whole", BooleanType(), "a frame shows it neither cut off nor more than 10 % hidden"),
        column("confidence", DoubleType(), "share of frames that show it of those that see its place, in (0, 1]"),
        column("is_moved", BooleanType(), "one of two places of a thing that was moved, or frames show it in two"),
    ]
)

MOVED_OBJECT = StructType(
    [
        column("before", IntegerType(), "object_id of the first place"),
        column("after", IntegerType(), "object_id of the second place"),
        column("distance_m", DoubleType(), "between the centers of both boxes, m"),
        column("sigma_m", DoubleType(), "standard error of it, m"),
    ]
)

FUSED_SCENES = Table(
    name="fused_scenes",
    stage="fuse",
    comment="One row per fused set of frames; of a sequence that grew, the row with the most frames is current.",
    key=("fusion_id",),
    schema=StructType(
        [
            column("fusion_id", StringType(), "hash of recipe and fused images", False),
            column("sequence_id", StringType(), "as in `images`", False),
            column("image_ids", _TEXTS, "fused images, by frame", False),
            column("frames", _INTS, "their frame_index", False),
            column("fused_frames", IntegerType(), "how many they are", False),
            column("left_out_frames", _INTS, "frame_index of lifted frames that contradict the others", False),
            column(
                "fused_from_world",
                VECTOR,
                "[12] row-major 3x4: p_F = R p_world + t, m; F: x ahead, y left, z up",
                False,
            ),
            column("objects", ArrayType(FUSED_OBJECT), "instances, by id", False),
            column("moved", ArrayType(MOVED_OBJECT), "things that were moved between frames", False),
            column("seen_through", DoubleType(), "mean share of what two frames share that one sees through", False),
            column("has_gravity", BooleanType(), "F's z is up", False),
            column("has_floor", BooleanType(), "F's origin is on the floor, below the first camera", False),
            column("scale_ok", BooleanType(), "depth is metric in all frames", False),
            *lineage(),
        ]
    ),
)

LEG = StructType(
    [
        column("turn_rad", DoubleType(), "by which angle one turns to the left; null: the turn to fill in, rad"),
        column("forward_m", DoubleType(), "how far one goes then, m"),
    ]
)

SEQUENCE_QA_PAIRS = Table(
    name="sequence_qa_pairs",
    stage="fuse",
    comment="One row per question about several views, which are listed in the order of the question.",
    key=("qa_id",),
    schema=StructType(
        [
            column("qa_id", StringType(), "hash of sequence, type, frames, objects, wording, recipe", False),
            column("fusion_id", StringType(), "row of `fused_scenes`", False),
            column("sequence_id", StringType(), "as in `images`", False),
            column("type_id", StringType(), "id of the question type, V01 and on", False),
            column("family", StringType(), "qualitative or quantitative", False),
            column("question", StringType(), "as shown to a reader, with the images in the order of image_ids", False),
            column("answer", StringType(), "as shown to a reader", False),
            column("frames", _INTS, "frame_index of the images that are asked about, in order", False),
            column("image_ids", _TEXTS, "these images", False),
            column(
                "object_ids", _INTS, "A, B in the order of the type's definition, ids of fused_scenes.objects", False
            ),
            column("references", _TEXTS, "expressions used, in the order of object_ids", False),
            column("side", StringType(), "word answered or asked for: left, up, closer, earlier, .."),
            column("answer_kind", StringType(), "choice, number, point or text", False),
            column("answer_object_id", IntegerType(), "for choice: the object chosen for side"),
            column("answer_frame", IntegerType(), "frame_index of the image that the answer names"),
            column("asked_frame", IntegerType(), "frame_index of the image that the question names"),
            column("value_si", DoubleType(), "measured, unrounded, >= 0"),
            column("unit_si", StringType(), "m, rad or count"),
            column("sigma_si", DoubleType(), "standard error of value_si, same unit"),
            column("value_text", StringType(), "number as worded in the answer"),
            column("unit_text", StringType(), "unit as worded in the answer"),
            column("rounding_rule", StringType(), "rule that made value_text"),
            column("asked_point", VECTOR, "[2] (u, v) in the first image that the question states"),
            column("points", ArrayType(VECTOR), "point: (u, v) in the second image; null: not visible"),
            column("coord_convention", StringType(), "of asked_point and points"),
            column("asked_m", DoubleType(), "how far forward the question says one goes, m"),
            column("asked_rad", DoubleType(), "by which angle to the left it says one turns, rad"),
            column("asked_route", ArrayType(LEG), "the route that it states, from the camera on"),
            column("distance_kind", StringType(), "gap or range"),
            column("margin_actual", DoubleType(), "value that was compared with margin_threshold"),
            column("margin_threshold", DoubleType(), "threshold of the rule"),
            column("answer_form", StringType(), "sentence or short", False),
            column("question_template", StringType(), "wording id", False),
            column("answer_template", StringType(), "wording id", False),
            column("needs", _TEXTS, "what the type requires of the fused scene", False),
            column("seed", LongType(), "seed of every random choice in the row", False),
            column("licence", StringType(), "of the images, where all have the same"),
            column("split", StringType(), "train, validation or test; that of the whole sequence", False),
            *lineage(),
        ]
    ),
)
