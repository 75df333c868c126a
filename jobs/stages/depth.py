"""Depth: metric depth, intrinsics and gravity of the images that have regions."""

from functools import partial

from jobs.engine.factories import expert_stage
from jobs.engine.outlines import HELP
from jobs.engine.stage import StageDefinition
from schemas.images import IMAGES
from schemas.perception import DEPTHS, REGIONS
from udfs.stages.perceive import stored_depth_row

STAGE = StageDefinition(
    table=DEPTHS,
    reads=(REGIONS, IMAGES),
    help=HELP["depth"],
    build=partial(expert_stage, finish=stored_depth_row),
    slot="depth",
)
