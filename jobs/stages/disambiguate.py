"""Disambiguate: a referring expression for every object that can be told from its neighbours."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, with_recipe
from schemas.perception import REGIONS
from schemas.scenes import REFERENCES, SCENES
from udfs.recipes import recipe_of
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row
from udfs.stages.rows import map_rows


def disambiguate_stage(settings: DisambiguateSettings, upstream: Stage, regions: Stage) -> Stage:
    """Return the stage that writes `references`."""
    changes = settings.model_dump()
    recipe = recipe_of("disambiguate", changes, upstream.recipe)
    return Stage(
        name="disambiguate",
        upstream=SCENES,
        target=REFERENCES,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(_read, scene_recipe=upstream.recipe, region_recipe=regions.recipe),
        transform=partial(transform, settings=settings, recipe=recipe),
        settings=changes,
        files_per_batch=32,
        arrow_rows=500,
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], scene_recipe: str, region_recipe: str) -> DataFrame:
    scenes = with_recipe(lake.read(SCENES), scene_recipe, shards).select(
        "image_id", "ingest_shard", "objects", "rejected", "sigma_rel", "gravity_src", "gravity_sigma_deg"
    )
    wanted = ("region_id", "label", "captions", "bbox_px", "similar", "chance")
    named = F.transform("regions", lambda region: F.struct(*(region[name].alias(name) for name in wanted)))
    regions = with_recipe(lake.read(REGIONS), region_recipe, shards).select("image_id", named.alias("regions"))
    named_of_keys = regions.join(F.broadcast(keys.select("image_id")), "image_id")
    return scenes.join(F.broadcast(named_of_keys), "image_id")


def transform(df: DataFrame, settings: DisambiguateSettings, recipe: str) -> DataFrame:
    """Return `references` rows of the scenes in `df`."""
    function = partial(_disambiguate_batches, settings=settings, recipe=recipe)
    return map_batches(df, function, output_type(REFERENCES))


def _disambiguate_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: DisambiguateSettings, recipe: str
) -> Iterator[pa.RecordBatch]:
    return map_rows(batches, partial(disambiguate_row, settings=settings), schema, recipe)
