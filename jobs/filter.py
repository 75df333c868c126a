"""Filter: score each photograph; thresholds are applied later, by the context stage."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.arrow import map_batches, output_type
from jobs.lake import Lake
from jobs.stage import Stage
from schemas.images import IMAGES
from schemas.perception import IMAGE_SCORES
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.filter import filter_batches
from udfs.recipes import recipe_of


def filter_stage(spec: ExpertSpec) -> Stage:
    """Return the stage that writes `image_scores`."""
    settings = {"expert": spec.for_recipe()}
    recipe = recipe_of("filter", settings, "ingest")
    return Stage(
        name="filter",
        upstream=IMAGES,
        target=IMAGE_SCORES,
        recipe=recipe,
        upstream_recipe="ingest",
        read=partial(read_images, columns=expert_class("filter", spec).columns),
        transform=partial(transform, spec=spec, recipe=recipe),
        settings=settings,
        files_per_batch=64,
    )


def read_images(lake: Lake, keys: DataFrame, shards: list[int], columns: tuple[str, ...]) -> DataFrame:
    """Return `columns` of the keys' photographs, reading only their ingest shards.

    `has_depth` stands for a carried depth map without its bytes.
    """
    images = lake.read(IMAGES).where(F.col("ingest_shard").isin(shards))
    wanted = [F.col("depth").isNotNull().alias(c) if c == "has_depth" else F.col(c) for c in columns]
    # The photographs stay where they are: only the keys are sent around.
    return images.select("image_id", "ingest_shard", *wanted).join(F.broadcast(keys.select("image_id")), "image_id")


def transform(df: DataFrame, spec: ExpertSpec, recipe: str) -> DataFrame:
    """Return `image_scores` rows of the photographs in `df`."""
    return map_batches(df, partial(filter_batches, spec=spec, recipe=recipe), output_type(IMAGE_SCORES))
