"""Lift: from masks and depth to metric objects in a gravity-aligned frame."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.factories import row_stage
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from schemas.perception import DEPTHS, REGIONS
from schemas.scenes import SCENES
from udfs.stages.lift import LiftSettings, lift_row


def _build(inputs: StageInputs) -> Stage:
    read = partial(_read, depth_recipe=inputs.recipe(DEPTHS), region_recipe=inputs.recipe(REGIONS))
    return row_stage(inputs, read, lift_row, arrow_rows=32, changes=inputs.settings.changes())


def _read(lake: Lake, keys: DataFrame, shards: list[int], depth_recipe: str, region_recipe: str) -> DataFrame:
    wanted = [c for c in DEPTHS.columns if c not in ("recipe", "engine_version")]
    depths = with_recipe(lake.read(DEPTHS), depth_recipe, shards).select(*wanted)
    regions = with_recipe(lake.read(REGIONS), region_recipe, shards).select("image_id", "width", "height", "regions")
    # Masks and keys, which are small, are broadcast, so that depth maps are not shuffled.
    return depths.join(F.broadcast(regions.join(keys.select("image_id"), "image_id")), "image_id")


STAGE = StageDefinition(
    table=SCENES,
    reads=(DEPTHS, REGIONS),
    help="Lift to metric objects in a gravity-aligned frame: `depths` -> `scenes`.",
    build=_build,
    settings=LiftSettings,
)
