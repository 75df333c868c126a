"""`training_examples`: what a model learns from, one image and a few turns per row."""

from pyspark.sql.types import BinaryType, IntegerType, StringType, StructType

from schemas.table import Table, column, lineage

TRAINING_EXAMPLES = Table(
    name="training_examples",
    stage="examples",
    comment="One row per image and a few turns about it; the rows of one image lie in different files.",
    key=("example_id",),
    cluster_by=("ingest_shard",),
    # Rows of one part belong to different images, so that no file holds an image twice, compacted or not.
    partition_by=("recipe", "split", "part"),
    # Readers of plain Parquet see neither deleted rows nor names that a log keeps. The range of the ids in the log
    # tells them when one file stands in another's place.
    properties={
        "delta.enableDeletionVectors": "false",
        "delta.columnMapping.mode": "none",
        "delta.dataSkippingStatsColumns": "ingest_shard,example_id",
    },
    # One row group, the unit that readers shuffle: about 15 to 30 MB.
    rows_per_file=512,
    schema=StructType(
        [
            column("example_id", StringType(), "hash of image, part and recipe", False),
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("part", IntegerType(), "number of the row among those of its image, from 0", False),
            column("jpeg", BinaryType(), "the image upright and resized, RGB JPEG", False),
            column("width", IntegerType(), "of `jpeg`, px", False),
            column("height", IntegerType(), "of `jpeg`, px", False),
            column("conversations", StringType(), 'JSON list of {"from": "human" or "gpt", "value": text}', False),
            column("turns", IntegerType(), "questions with an answer", False),
            column("text_tokens", IntegerType(), "tokens of questions and answers", False),
            column("answer_tokens", IntegerType(), "tokens of answers", False),
            column("qa_ids", StringType(), "JSON list of the turns' qa_id, in order", False),
            column("type_ids", StringType(), "JSON list of the turns' type_id, in order", False),
            column("stream", StringType(), "spatial", False),
            column("split", StringType(), "train, validation or test, as in `qa_pairs`", False),
            column("licence", StringType(), "of the image"),
            *lineage(),
        ]
    ),
)
