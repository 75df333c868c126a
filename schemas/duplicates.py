"""`near_duplicates`: which images show the same, and which images no split may divide."""

from pyspark.sql.types import ArrayType, StringType, StructType

from schemas.table import Table, column, lineage

NEAR_DUPLICATES = Table(
    name="near_duplicates",
    stage="duplicates",
    comment="One row per image: its cluster of near-duplicates, and the group that lies in one split.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("phash", StringType(), "64-bit perceptual hash, hex, as in `images`"),
            column("sequence_id", StringType(), "sequence or episode, as in `images`"),
            column("cluster_id", StringType(), "image_id of the cluster's first image, which may be this one", False),
            column("group_id", StringType(), "what the split is drawn from: an image_id or a sequence_id", False),
            column("other_groups", ArrayType(StringType()), "groups that the image also connects with", False),
            *lineage(),
        ]
    ),
)
