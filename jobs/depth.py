"""Depth: metric depth, intrinsics and gravity of the photographs that have regions."""

from functools import partial

from pyspark.sql import DataFrame

from jobs.arrow import map_batches, output_type
from jobs.filter import read_images
from jobs.stage import Stage
from schemas.perception import DEPTHS, REGIONS
from udfs.depth import depth_batches
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.recipes import recipe_of


def depth_stage(spec: ExpertSpec, upstream: Stage) -> Stage:
    """Return the stage that writes `depths`."""
    settings = {"expert": spec.for_recipe()}
    recipe = recipe_of("depth", settings, upstream.recipe)
    return Stage(
        name="depth",
        upstream=REGIONS,
        target=DEPTHS,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(read_images, columns=expert_class("depth", spec).columns),
        transform=partial(transform, spec=spec, recipe=recipe),
        settings=settings,
    )


def transform(df: DataFrame, spec: ExpertSpec, recipe: str) -> DataFrame:
    """Return `depths` rows of the photographs in `df`."""
    return map_batches(df, partial(depth_batches, spec=spec, recipe=recipe), output_type(DEPTHS))
