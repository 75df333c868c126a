"""Fuse: the scenes of every posed sequence become one, with questions about several views."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.episodes import EPISODE, TOGETHER, Episodes, by_episode
from jobs.engine.joined import Part
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.recipes import recipe_of
from jobs.engine.small.work import SmallOutputs, SmallWork
from jobs.engine.stage import Stage, StageDefinition, StageInputs, rejects_of
from jobs.engine.writing import AppendBeside, Outputs
from schemas.duplicates import NEAR_DUPLICATES
from schemas.images import IMAGES
from schemas.perception import DEPTHS, REGIONS
from schemas.scenes import SCENES
from schemas.sequences import FUSED_FRAMES, FUSED_SCENES, SEQUENCE_QA_PAIRS
from udfs.stages.fuse import ANSWERS, SCENE, SequenceSettings, fuse_batches
from udfs.stages.lift import CRAWL_DEPTH

_ARROW_ROWS = 16
_FRAME = ("image_id", "ingest_shard", "sequence_id", "frame_index", "pose", "licence")
_SCENE = (
    *("gravity_c", "gravity_src", "gravity_sigma_deg", "depth_noise_rel", "sigma_rel", "scale_ok", "has_plane"),
    *("world_from_camera", "planes", "objects", "pairs"),
)
_DEPTH = (
    *("depth", "depth_src", "sigma_rel", "scale_sigma_rel", "focal_sigma_rel", "scale_ok"),
    *("camera", "camera_src", "gravity", "gravity_src", "gravity_sigma_deg"),
)
_REGIONS = ("width", "height", "regions")
_BESIDE = (StructField(SCENE, FUSED_SCENES.schema), StructField(ANSWERS, ArrayType(SEQUENCE_QA_PAIRS.schema)))


def _build(inputs: StageInputs) -> Stage:
    recipes = {table.name: inputs.recipe(table) for table in (SCENES, DEPTHS, REGIONS, NEAR_DUPLICATES)}
    # Lakes of before have scenes of all points, also of those that no other frame confirms, and things that end where
    # every frame cuts them off.
    settings = inputs.with_rules(
        {**inputs.settings.model_dump(), **recipes, "points": "confirmed", "bases": "of all frames"}
    )
    recipe = recipe_of(inputs.definition.name, settings, inputs.upstream_recipe)
    read, batches = _read(inputs), partial(fuse_batches, settings=inputs.settings, recipe=recipe)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=read,
        transform=partial(transform, settings=inputs.settings, recipe=recipe),
        settings=settings,
        files_per_batch=TOGETHER,
        shards_per_batch=TOGETHER,
        arrow_rows=_ARROW_ROWS,
        split=_outputs,
        small=SmallWork(read.in_arrow, batches, extra=_BESIDE, by=EPISODE, split=_small_outputs),
    )


def _read(inputs: StageInputs) -> Episodes:
    """Return what reads the lifted frames of whole sequences: one that grew is fused anew, with all of its frames."""
    lifted = ((SCENES, _SCENE, "scene"), (DEPTHS, _DEPTH, "depth"), (REGIONS, _REGIONS, "region"))
    parts = [Part(table, ("image_id", *names), inputs.recipe(table), packed=one) for table, names, one in lifted]
    crawled = Part(IMAGES, ("image_id", "depth"), renamed={"depth": CRAWL_DEPTH})
    groups = Part(NEAR_DUPLICATES, ("image_id", "group_id"), inputs.recipe(NEAR_DUPLICATES), optional=True)
    return Episodes(Part(IMAGES, _FRAME), (*parts, crawled, groups))


def transform(df: DataFrame, settings: SequenceSettings, recipe: str) -> DataFrame:
    """Return the rows of the new frames in `df`, which holds all lifted frames of their sequences."""
    batches = partial(fuse_batches, settings=settings, recipe=recipe)
    return map_batches(by_episode(df), batches, output_type(FUSED_FRAMES, _BESIDE))


def _outputs(stage: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
    made = transformed.where(F.col(SCENE).isNotNull())
    answers = made.select(F.explode(ANSWERS).alias("answer")).select("answer.*")
    return Outputs(
        rows=transformed.where(F.size("rejects") == 0),
        rejects=rejects_of(stage, transformed),
        sides=((FUSED_SCENES, made.select(f"{SCENE}.*")), (SEQUENCE_QA_PAIRS, answers)),
        rows_without_rejects=True,
    )


def _small_outputs(lake: Lake, transformed: pa.Table) -> SmallOutputs:
    made = transformed.filter(pc.is_valid(transformed[SCENE]))
    scenes, answers = made[SCENE].combine_chunks(), made[ANSWERS].combine_chunks().flatten()
    return SmallOutputs(
        rows=transformed.filter(pc.equal(pc.list_value_length(transformed["rejects"]), 0)),
        sides=(
            (FUSED_SCENES, pa.table({name: pc.struct_field(scenes, name) for name in FUSED_SCENES.columns})),
            (SEQUENCE_QA_PAIRS, pa.table({name: pc.struct_field(answers, name) for name in SEQUENCE_QA_PAIRS.columns})),
        ),
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
