"""Synthesize: questions and answers from geometry and referring expressions."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, with_recipe
from schemas.answers import QA_PAIRS
from schemas.images import IMAGES
from schemas.scenes import REFERENCES, SCENES
from udfs.recipes import recipe_of
from udfs.stages.synthesize import SynthesizeSettings, synthesize_batches


def synthesize_stage(settings: SynthesizeSettings, upstream: Stage, scenes: Stage) -> Stage:
    """Return the stage that writes `qa_pairs`."""
    changes = settings.changes()
    recipe = recipe_of("synthesize", changes, upstream.recipe)
    return Stage(
        name="synthesize",
        upstream=REFERENCES,
        target=QA_PAIRS,
        recipe=recipe,
        upstream_recipe=upstream.recipe,
        read=partial(_read, reference_recipe=upstream.recipe, scene_recipe=scenes.recipe),
        transform=partial(transform, settings=settings, recipe=recipe),
        settings=changes,
        files_per_batch=16,
        arrow_rows=500,
        bulk=True,
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], reference_recipe: str, scene_recipe: str) -> DataFrame:
    references = with_recipe(lake.read(REFERENCES), reference_recipe, shards).select("image_id", "references")
    scenes = with_recipe(lake.read(SCENES), scene_recipe, shards)
    licences = lake.read(IMAGES).where(F.col("ingest_shard").isin(shards)).select("image_id", "licence")
    named = references.join(F.broadcast(keys.select("image_id")), "image_id")
    # Scenes stay where they are; names and licences, which are small, are sent to them.
    return (
        scenes.withColumnRenamed("recipe", "scene_recipe")
        .drop("engine_version", "planes", "rejected")
        .join(F.broadcast(named), "image_id")
        .join(F.broadcast(licences.join(keys.select("image_id"), "image_id", "left_semi")), "image_id")
    )


def transform(df: DataFrame, settings: SynthesizeSettings, recipe: str) -> DataFrame:
    """Return `qa_pairs` rows of the scenes in `df`."""
    return map_batches(df, partial(_synthesize, settings=settings, recipe=recipe), output_type(QA_PAIRS))


def _synthesize(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: SynthesizeSettings, recipe: str
) -> Iterator[pa.RecordBatch]:
    return synthesize_batches(batches, settings, recipe, schema)
