"""Filter: score each image; thresholds are applied later, by the context stage."""

from functools import partial

from jobs.engine.factories import expert_stage
from jobs.engine.outlines import HELP
from jobs.engine.stage import StageDefinition
from schemas.images import IMAGES
from schemas.perception import IMAGE_SCORES
from udfs.stages.perceive import scores_row

STAGE = StageDefinition(
    table=IMAGE_SCORES,
    reads=(IMAGES,),
    help=HELP["filter"],
    build=partial(expert_stage, finish=scores_row),
    slot="filter",
)
