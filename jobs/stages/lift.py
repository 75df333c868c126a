"""Lift: from masks and depth to metric objects in a gravity-aligned frame."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, with_recipe
from schemas.perception import DEPTHS, REGIONS
from schemas.scenes import SCENES
from udfs.recipes import recipe_of
from udfs.stages.lift import LiftSettings, lift_row
from udfs.stages.rows import map_rows


def lift_stage(settings: LiftSettings, upstream: Stage, regions: Stage) -> Stage:
    """Return the stage that writes `scenes`."""
    changes = settings.model_dump()
    recipe = recipe_of("lift", changes, upstream.recipe)
    return Stage(
        name="lift",
        upstream=DEPTHS,
        target=SCENES,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(_read, depth_recipe=upstream.recipe, region_recipe=regions.recipe),
        transform=partial(transform, settings=settings, recipe=recipe),
        settings=changes,
        arrow_rows=32,
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], depth_recipe: str, region_recipe: str) -> DataFrame:
    wanted = [c for c in DEPTHS.columns if c not in ("recipe", "engine_version")]
    depths = with_recipe(lake.read(DEPTHS), depth_recipe, shards).select(*wanted)
    regions = with_recipe(lake.read(REGIONS), region_recipe, shards).select("image_id", "width", "height", "regions")
    # Depth maps stay where they are; masks and keys, which are small, are sent to them.
    return depths.join(F.broadcast(regions.join(keys.select("image_id"), "image_id")), "image_id")


def transform(df: DataFrame, settings: LiftSettings, recipe: str) -> DataFrame:
    """Return `scenes` rows: `df` has the columns of `depths` with `width`, `height` and `regions`."""
    return map_batches(df, partial(_lift_batches, settings=settings, recipe=recipe), output_type(SCENES))


def _lift_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: LiftSettings, recipe: str
) -> Iterator[pa.RecordBatch]:
    return map_rows(batches, partial(lift_row, settings=settings), schema, recipe)
