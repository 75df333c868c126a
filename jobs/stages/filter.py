"""Filter: score each photograph; thresholds are applied later, by the context stage."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.resources import StageResources, resources_of, task_profile
from jobs.engine.stage import Stage
from schemas.images import IMAGES
from schemas.perception import IMAGE_SCORES
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.recipes import recipe_of
from udfs.stages.filter import filter_batches


def filter_stage(spec: ExpertSpec, gpus_per_task: float | None = None) -> Stage:
    """Return the stage that writes `image_scores`."""
    settings = {"expert": spec.for_recipe()}
    recipe = recipe_of("filter", settings, "ingest")
    asked = resources_of("filter", spec, gpus_per_task)
    return Stage(
        name="filter",
        upstream=IMAGES,
        target=IMAGE_SCORES,
        recipe=recipe,
        upstream_recipe="ingest",
        read=partial(read_images, columns=expert_class("filter", spec).columns),
        transform=partial(transform, spec=spec, recipe=recipe, asked=asked),
        settings=settings,
        files_per_batch=asked.files_per_batch,
        arrow_rows=asked.arrow_rows,
        expert=spec,
        gpus_per_task=asked.gpus_per_task,
    )


def read_images(lake: Lake, keys: DataFrame, shards: list[int], columns: tuple[str, ...]) -> DataFrame:
    """Return `columns` of the keys' photographs, reading only their ingest shards.

    `has_depth` stands for a carried depth map without its bytes.
    """
    images = lake.read(IMAGES).where(F.col("ingest_shard").isin(shards))
    wanted = [F.col("depth").isNotNull().alias(c) if c == "has_depth" else F.col(c) for c in columns]
    # The photographs stay where they are: only the keys are sent around.
    return images.select("image_id", "ingest_shard", *wanted).join(F.broadcast(keys.select("image_id")), "image_id")


def transform(df: DataFrame, spec: ExpertSpec, recipe: str, asked: StageResources) -> DataFrame:
    """Return `image_scores` rows of the photographs in `df`."""
    profile = task_profile(df.sparkSession, asked.gpus_per_task)
    return map_batches(df, partial(filter_batches, spec=spec, recipe=recipe), output_type(IMAGE_SCORES), profile)
