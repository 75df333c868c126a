"""`qa_statistics`, `object_statistics`: additive counts of answers and of the objects that they are about."""

from pyspark.sql.types import DateType, DoubleType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, column, lineage

# The first bin of a decade begins at a power of ten: bin k holds 10^(k/5) m <= d < 10^((k+1)/5) m.
BINS_PER_DECADE = 5

_OF_SHARD = [
    column("crawl_uri", StringType(), "crawl that brought the image, as it was named"),
    column("ingest_day", DateType(), "day (UTC) on which the crawl was listed; null in lakes of earlier versions"),
    column("licence", StringType(), "of the image, as crawled"),
    column("split", StringType(), "train, validation or test", False),
]
_BIN = "bin of a distance in m: bin k begins at 10^(k/5) m"

QA_STATISTICS = Table(
    name="qa_statistics",
    stage="statistics",
    comment="Additive counts of answers by ingest shard, crawl, day, licence, split, type, form, unit and distance.",
    key=("recipe", "ingest_shard", "licence", "split", "type_id", "answer_form", "unit", "distance_bin"),
    schema=StructType(
        [
            *_OF_SHARD,
            column("type_id", StringType(), "id of the question type, see docs/questions.md", False),
            column("family", StringType(), "qualitative or quantitative", False),
            column("answer_form", StringType(), "sentence, short or letter", False),
            column("unit", StringType(), "unit as worded in the answer; null without a number"),
            column("distance_bin", IntegerType(), f"{_BIN}; of the measured length, null for other answers"),
            column("answers", LongType(), "rows of `qa_pairs`", False),
            column("images", LongType(), "images with an answer of this type; adds up within a type", False),
            column("answered_images", LongType(), "images whose first answer is here; adds up to those with answers"),
            column("yes", LongType(), "bool answers that are true"),
            column("no", LongType(), "bool answers that are false"),
            column("letter_a", LongType(), "lettered answers that are A"),
            column("letter_b", LongType(), "lettered answers that are B"),
            column("measured", LongType(), "answers with a value_si over 0"),
            column("value_sum", DoubleType(), "sum of value_si"),
            column("value_min", DoubleType(), "smallest value_si"),
            column("value_max", DoubleType(), "largest value_si"),
            column("log_value_sum", DoubleType(), "sum of ln value_si, of the `measured` ones"),
            column("characters", LongType(), "characters of questions and answers", False),
            *lineage(),
        ]
    ),
)

OBJECT_STATISTICS = Table(
    name="object_statistics",
    stage="statistics",
    comment="Additive counts of objects asked about by ingest shard, crawl, day, licence, split, label and distance.",
    key=("recipe", "ingest_shard", "licence", "split", "label", "distance_bin"),
    schema=StructType(
        [
            *_OF_SHARD,
            column("label", StringType(), "category name of the object; null without one"),
            column("distance_bin", IntegerType(), f"{_BIN}; of the object's distance from the camera"),
            column("objects", LongType(), "objects that an answer is about", False),
            column("mentions", LongType(), "pairs of an answer and an object that it is about", False),
            column("range_sum_m", DoubleType(), "sum of the objects' distances from the camera, m"),
            column("range_min_m", DoubleType(), "smallest distance from the camera, m"),
            column("range_max_m", DoubleType(), "largest distance from the camera, m"),
            *lineage(),
        ]
    ),
)
