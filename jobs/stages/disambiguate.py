"""Disambiguate: a referring expression for every object that can be distinguished from its neighbors."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.factories import row_stage
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from schemas.perception import REGIONS
from schemas.scenes import REFERENCES, SCENES
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row


def _build(inputs: StageInputs) -> Stage:
    read = partial(_read, scene_recipe=inputs.recipe(SCENES), region_recipe=inputs.recipe(REGIONS))
    return row_stage(inputs, read, disambiguate_row, files_per_batch=32, arrow_rows=500)


def _read(lake: Lake, keys: DataFrame, shards: list[int], scene_recipe: str, region_recipe: str) -> DataFrame:
    scenes = with_recipe(lake.read(SCENES), scene_recipe, shards).select(
        "image_id", "ingest_shard", "objects", "rejected", "sigma_rel", "gravity_src", "gravity_sigma_deg"
    )
    wanted = ("region_id", "label", "captions", "bbox_px", "similar", "chance")
    named = F.transform("regions", lambda region: F.struct(*(region[name].alias(name) for name in wanted)))
    regions = with_recipe(lake.read(REGIONS), region_recipe, shards).select("image_id", named.alias("regions"))
    named_of_keys = regions.join(F.broadcast(keys.select("image_id")), "image_id")
    return scenes.join(F.broadcast(named_of_keys), "image_id")


STAGE = StageDefinition(
    table=REFERENCES,
    reads=(SCENES, REGIONS),
    help="Write a referring expression for every object: `scenes` -> `references`.",
    build=_build,
    settings=DisambiguateSettings,
)
