"""Fuse: the scenes of every posed sequence become one, with questions about several views."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.recipes import recipe_of
from jobs.engine.stage import Stage, StageDefinition, StageInputs, rejects_of
from jobs.engine.writing import AppendBeside, Outputs
from schemas.duplicates import NEAR_DUPLICATES
from schemas.images import IMAGES
from schemas.perception import DEPTHS, REGIONS
from schemas.scenes import SCENES
from schemas.sequences import FUSED_FRAMES, FUSED_SCENES, SEQUENCE_QA_PAIRS
from schemas.table import Table
from udfs.stages.fuse import ANSWERS, SCENE, SequenceSettings, fuse_batches

# The frames of a sequence lie in several shards and files, and are needed together.
_TOGETHER = 1_000_000
_ARROW_ROWS = 16
_LIFTED = (
    *("width", "height", "depth", "depth_src", "sigma_rel", "scale_sigma_rel", "focal_sigma_rel", "scale_ok"),
    *("camera", "camera_src", "gravity", "gravity_src", "gravity_sigma_deg", "regions"),
)
_SCENE = (
    *("gravity_c", "gravity_src", "gravity_sigma_deg", "depth_noise_rel", "sigma_rel", "scale_ok", "has_plane"),
    *("world_from_camera", "objects", "pairs"),
)


def _build(inputs: StageInputs) -> Stage:
    recipes = {table.name: inputs.recipe(table) for table in (SCENES, DEPTHS, REGIONS, NEAR_DUPLICATES)}
    settings = inputs.with_rules({**inputs.settings.model_dump(), **recipes})
    recipe = recipe_of(inputs.definition.name, settings, inputs.upstream_recipe)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=partial(_read, recipes=recipes),
        transform=partial(transform, settings=inputs.settings, recipe=recipe),
        settings=settings,
        files_per_batch=_TOGETHER,
        shards_per_batch=_TOGETHER,
        arrow_rows=_ARROW_ROWS,
        split=_outputs,
    )


def transform(df: DataFrame, settings: SequenceSettings, recipe: str) -> DataFrame:
    """Return the rows of the new frames in `df`, which holds all lifted frames of their sequences."""
    sequences = df.repartition("episode").sortWithinPartitions("episode", "frame_index", "image_id")
    beside = (StructField(SCENE, FUSED_SCENES.schema), StructField(ANSWERS, ArrayType(SEQUENCE_QA_PAIRS.schema)))
    return map_batches(
        sequences, partial(fuse_batches, settings=settings, recipe=recipe), output_type(FUSED_FRAMES, beside)
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], recipes: dict[str, str]) -> DataFrame:
    images = lake.read(IMAGES).select(
        *("image_id", "ingest_shard", "sequence_id", "frame_index", "pose", "licence"),
        F.coalesce("sequence_id", "image_id").alias("episode"),
    )
    new = keys.select("image_id", F.lit(True).alias("new"))
    known = images.join(new, "image_id", "left").withColumn("is_new", F.coalesce("new", F.lit(False))).drop("new")
    # A sequence that grew is fused anew, with all of its frames.
    asked = known.where("is_new").select("episode").distinct()
    scenes = _of(lake, SCENES, recipes).select("image_id", F.struct(*_SCENE).alias("scene"))
    depths = _of(lake, DEPTHS, recipes).drop("ingest_shard", "recipe", "engine_version")
    regions = _of(lake, REGIONS, recipes).select("image_id", "width", "height", "regions")
    lifted = depths.join(regions, "image_id").select("image_id", F.struct(*_LIFTED).alias("lifted"))
    groups = _of(lake, NEAR_DUPLICATES, recipes).select("image_id", "group_id")
    whole = known.join(asked, "episode", "left_semi").join(scenes, "image_id").join(lifted, "image_id")
    return whole.join(groups, "image_id", "left")


def _of(lake: Lake, table: Table, recipes: dict[str, str]) -> DataFrame:
    return lake.read(table).where(F.col("recipe") == recipes[table.name])


def _outputs(stage: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
    made = transformed.where(F.col(SCENE).isNotNull())
    answers = made.select(F.explode(ANSWERS).alias("answer")).select("answer.*")
    return Outputs(
        rows=transformed.where(F.size("rejects") == 0),
        rejects=rejects_of(stage, transformed),
        sides=((FUSED_SCENES, made.select(f"{SCENE}.*")), (SEQUENCE_QA_PAIRS, answers)),
        rows_without_rejects=True,
    )


STAGE = StageDefinition(
    table=FUSED_FRAMES,
    reads=(SCENES, IMAGES, DEPTHS, REGIONS, NEAR_DUPLICATES),
    help=HELP["fuse"],
    build=_build,
    settings=SequenceSettings,
    # Most crawls hold no posed sequences.
    in_run=False,
    writing=AppendBeside(beside=(FUSED_SCENES, SEQUENCE_QA_PAIRS)),
    side_tables=(FUSED_SCENES, SEQUENCE_QA_PAIRS),
)
