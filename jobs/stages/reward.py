"""Reward: the scenes of every episode put in order, and what they say of the gripper's approach."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.recipes import recipe_of
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from schemas.images import IMAGES
from schemas.rewards import REWARDS
from schemas.scenes import SCENES
from udfs.stages.reward import RewardSettings, reward_batches

# The frames of an episode lie in several shards and files, and are needed together.
_TOGETHER = 1_000_000
_ARROW_ROWS = 64


def _build(inputs: StageInputs) -> Stage:
    settings = inputs.with_rules({**inputs.settings.model_dump(), "scenes": inputs.recipe(SCENES)})
    recipe = recipe_of(inputs.definition.name, settings, inputs.upstream_recipe)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=partial(_read, scene_recipe=inputs.recipe(SCENES)),
        transform=partial(transform, settings=inputs.settings, recipe=recipe),
        settings=settings,
        files_per_batch=_TOGETHER,
        shards_per_batch=_TOGETHER,
        arrow_rows=_ARROW_ROWS,
    )


def transform(df: DataFrame, settings: RewardSettings, recipe: str) -> DataFrame:
    """Return the rows of the new frames in `df`, which holds whole episodes."""
    episodes = df.repartition("episode").sortWithinPartitions("episode", "frame_index", "image_id")
    batches = partial(reward_batches, settings=settings, recipe=recipe)
    return map_batches(episodes, batches, output_type(REWARDS))


def _read(lake: Lake, keys: DataFrame, shards: list[int], scene_recipe: str) -> DataFrame:
    images = lake.read(IMAGES).select(
        *("image_id", "ingest_shard", "sequence_id", "frame_index", "episode_json", "pose"),
        F.col("depth").isNotNull().alias("has_depth"),
        F.col("camera").isNotNull().alias("has_camera"),
        F.coalesce("sequence_id", "image_id").alias("episode"),
    )
    new = keys.select("image_id", F.lit(True).alias("new"))
    known = images.join(new, "image_id", "left").withColumn("is_new", F.coalesce("new", F.lit(False))).drop("new")
    # New frames of an episode are measured against its first one, which may be known already.
    asked = known.where("is_new").select("episode").distinct()
    scenes = lake.read(SCENES).where(F.col("recipe") == scene_recipe)
    lifted = scenes.select("image_id", "objects", "pairs", "world_from_camera")
    return known.join(asked, "episode", "left_semi").join(lifted, "image_id", "left")


STAGE = StageDefinition(
    table=REWARDS,
    reads=(IMAGES, SCENES),
    help=HELP["reward"],
    build=_build,
    settings=RewardSettings,
    # Most crawls hold no episodes.
    in_run=False,
)
