"""Synthesize: questions and answers from geometry and referring expressions."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.factories import batch_stage
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from jobs.engine.writing import AppendBulk
from schemas.answers import QA_PAIRS
from schemas.duplicates import NEAR_DUPLICATES
from schemas.images import IMAGES
from schemas.scenes import REFERENCES, SCENES
from udfs.stages.synthesize import SynthesizeSettings, synthesize_batches


def _build(inputs: StageInputs) -> Stage:
    duplicates = inputs.recipe(NEAR_DUPLICATES)
    read = partial(_read, reference_recipe=inputs.recipe(REFERENCES), scene_recipe=inputs.recipe(SCENES))
    read = partial(read, duplicate_recipe=duplicates)
    changes = {**inputs.settings.changes(), "near_duplicates": duplicates}
    return batch_stage(inputs, read, synthesize_batches, files_per_batch=16, arrow_rows=500, changes=changes)


def _read(
    lake: Lake, keys: DataFrame, shards: list[int], reference_recipe: str, scene_recipe: str, duplicate_recipe: str
) -> DataFrame:
    references = with_recipe(lake.read(REFERENCES), reference_recipe, shards).select("image_id", "references")
    scenes = with_recipe(lake.read(SCENES), scene_recipe, shards)
    licences = lake.read(IMAGES).where(F.col("ingest_shard").isin(shards)).select("image_id", "licence")
    groups = with_recipe(lake.read(NEAR_DUPLICATES), duplicate_recipe, shards)
    groups = groups.select("image_id", "cluster_id", "group_id", "other_groups")
    named = references.join(F.broadcast(keys.select("image_id")), "image_id")
    # Names, licenses and groups, which are small, are broadcast, so that scenes are not shuffled.
    return (
        scenes.withColumnRenamed("recipe", "scene_recipe")
        .drop("engine_version", "planes", "rejected")
        .join(F.broadcast(named), "image_id")
        .join(F.broadcast(licences.join(keys.select("image_id"), "image_id", "left_semi")), "image_id")
        .join(F.broadcast(groups.join(keys.select("image_id"), "image_id", "left_semi")), "image_id")
    )


STAGE = StageDefinition(
    table=QA_PAIRS,
    reads=(REFERENCES, SCENES, IMAGES, NEAR_DUPLICATES),
    help="Generate questions and answers: `references` -> `qa_pairs`.",
    build=_build,
    settings=SynthesizeSettings,
    writing=AppendBulk(),
)
