"""`qa_pairs`: questions with answers."""

from pyspark.sql.types import ArrayType, BooleanType, DoubleType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, column, lineage

_TEXTS = ArrayType(StringType())

QA_PAIRS = Table(
    name="qa_pairs",
    stage="synthesize",
    comment="One row per question with its answer and everything that decided it.",
    key=("qa_id",),
    cluster_by=("ingest_shard", "recipe"),
    schema=StructType(
        [
            column("qa_id", StringType(), "hash of image, type, objects, side, forms, recipe", False),
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("type_id", StringType(), "id of the question type, see docs/questions.md", False),
            column("family", StringType(), "qualitative or quantitative", False),
            column("question", StringType(), "as shown to a reader", False),
            column("answer", StringType(), "as shown to a reader", False),
            column("object_ids", ArrayType(IntegerType()), "A, B, .. in the order of the question", False),
            column("side", StringType(), "word asked about or answered: left, right, higher, .."),
            column("answer_kind", StringType(), "bool, choice, number, point, text or refuse", False),
            column("answer_bool", BooleanType(), "truth of the predicate for object_ids as asked"),
            column("answer_object_id", IntegerType(), "for choice: the object chosen for side"),
            column("answer_object_ids", ArrayType(IntegerType()), "text: the objects in the order answered"),
            column("value_si", DoubleType(), "measured, unrounded, >= 0"),
            column("unit_si", StringType(), "m, m2, rad or ratio; for point: of the free area around it"),
            column("sigma_si", DoubleType(), "standard error of value_si, same unit"),
            column("value_text", StringType(), "number as worded in the answer"),
            column("unit_text", StringType(), "unit as worded in the answer"),
            column("rounding_rule", StringType(), "rule that made value_text"),
            column("precise", BooleanType(), "the question asked for precision"),
            column("points", ArrayType(ArrayType(DoubleType())), "pixel answers: points"),
            column("boxes", ArrayType(ArrayType(DoubleType())), "pixel answers: boxes"),
            column("coord_convention", StringType(), "of points and boxes"),
            column("distance_kind", StringType(), "gap, center, horizontal, vertical, range or clearance"),
            column("margin_actual", DoubleType(), "value that was compared with margin_threshold"),
            column("margin_threshold", DoubleType(), "threshold of the rule"),
            column("witness_ok", BooleanType(), "the consistency check passed: a second measurement agrees"),
            column("answer_form", StringType(), "sentence, short or letter", False),
            column("reference_form", StringType(), "how the objects are named", False),
            column("options", _TEXTS, "lettered options, in order"),
            column("frame", StringType(), "viewer, object:ID, situated:P-Q or image", False),
            column("question_template", StringType(), "wording id", False),
            column("answer_template", StringType(), "wording id", False),
            column("references", _TEXTS, "expressions used, in the order of object_ids", False),
            column("reason_code", StringType(), "reason of a negative answer"),
            column("place_ids", ArrayType(IntegerType()), "surfaces and openings asked about, ids of scenes.places"),
            column("places", _TEXTS, "how they are called, in the order of place_ids"),
            column("asked_m", DoubleType(), "length that the question states: a width, height or reach, m"),
            column("body", StringType(), "person or robot that the question is about, a key of the bodies' table"),
            column(
                "outline", ArrayType(ArrayType(DoubleType())), "point: outline of the free area, (u, v) as in points"
            ),
            column("needs", _TEXTS, "scene flags that the type requires", False),
            column("scene_recipe", StringType(), "recipe of the `scenes` row", False),
            column("seed", LongType(), "seed of every random choice in the row", False),
            column("licence", StringType(), "of the image"),
            column(
                "split",
                StringType(),
                "train, validation or test; the same for near-duplicates and for a sequence",
                False,
            ),
            *lineage(),
        ]
    ),
)
