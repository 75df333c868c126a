"""`rewards`: how near a robot's gripper is to its goal, per frame of an episode."""

from pyspark.sql.types import BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.table import Table, column, lineage

REWARDS = Table(
    name="rewards",
    stage="reward",
    comment="One row per image: distance of gripper and object, contact, progress and reward, or why they are unknown.",
    key=("image_id", "recipe"),
    cluster_by=("ingest_shard",),
    schema=StructType(
        [
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("sequence_id", StringType(), "episode, as in `images`; null: no frame of one"),
            column("frame_index", IntegerType(), "frame in the episode"),
            column("instruction", StringType(), "of the episode, as crawled"),
            column("gripper", StringType(), "label of the gripper, or `state`"),
            column("object", StringType(), "label of the object to reach"),
            column("answers", StringType(), "who measured: geometry, or the model's folder or name"),
            column("gripper_id", IntegerType(), "object id of the gripper in this frame's scene"),
            column("object_id", IntegerType(), "object id of the object in this frame's scene"),
            column("measured_m", DoubleType(), "distance of the two surfaces in this frame, m, as measured or said"),
            column("sigma_m", DoubleType(), "standard error of measured_m that its source declares, m"),
            column("distance_m", DoubleType(), "distance, m: 0 in contact, filled in gaps, smoothed if asked for"),
            column("source", StringType(), "of distance_m: measured or filled; null: unknown"),
            column("contact", BooleanType(), "at most `reward.contact_m` apart, and not coming nearer still"),
            column("progress", DoubleType(), "share of the episode's first known distance that is covered, in [0, 1]"),
            column("success", BooleanType(), "in contact for the last `reward.hold_frames` frames"),
            column("reward", DoubleType(), "progress, -distance_m, or the decrease of distance_m: `reward.kind`"),
            column("unknown", StringType(), "one sentence: why nothing was measured in this frame; null: it was"),
            *lineage(),
        ]
    ),
)
