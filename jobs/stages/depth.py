"""Depth: metric depth, intrinsics and gravity of the photographs that have regions."""

from functools import partial

from pyspark.sql import DataFrame

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.resources import StageResources, resources_of, task_profile
from jobs.engine.stage import Stage
from jobs.stages.filter import read_images
from schemas.perception import DEPTHS, REGIONS
from udfs.experts.expert import ExpertSpec, expert_class
from udfs.recipes import recipe_of
from udfs.stages.depth import depth_batches


def depth_stage(spec: ExpertSpec, upstream: Stage, gpus_per_task: float | None = None) -> Stage:
    """Return the stage that writes `depths`."""
    settings = {"expert": spec.for_recipe()}
    recipe = recipe_of("depth", settings, upstream.recipe)
    asked = resources_of("depth", spec, gpus_per_task)
    return Stage(
        name="depth",
        upstream=REGIONS,
        target=DEPTHS,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(read_images, columns=expert_class("depth", spec).columns),
        transform=partial(transform, spec=spec, recipe=recipe, asked=asked),
        settings=settings,
        files_per_batch=asked.files_per_batch,
        arrow_rows=asked.arrow_rows,
        expert=spec,
        gpus_per_task=asked.gpus_per_task,
    )


def transform(df: DataFrame, spec: ExpertSpec, recipe: str, asked: StageResources) -> DataFrame:
    """Return `depths` rows of the photographs in `df`."""
    profile = task_profile(df.sparkSession, asked.gpus_per_task)
    return map_batches(df, partial(depth_batches, spec=spec, recipe=recipe), output_type(DEPTHS), profile)
