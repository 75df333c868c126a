"""Context: masks, labels and captions of the images whose filter scores reach the thresholds."""

from pydantic import Field

from jobs.engine.factories import expert_stage
from jobs.engine.joined import Part
from jobs.engine.outlines import HELP
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from schemas.images import IMAGES
from schemas.perception import IMAGE_SCORES, REGIONS
from schemas.settings import Settings
from udfs.stages.perceive import regions_row


class ContextSettings(Settings):
    """Minimum filter scores that an image needs.

    They are not part of the recipe: changing one changes which images have rows, not what a row says; `spatiallake
    backfill` adds those that newly pass.
    """

    thresholds: dict[str, float] = Field(
        default_factory=lambda: {"spatial": 0.5}, description="minimum score by name, such as {spatial: 0.5}"
    )


def _build(inputs: StageInputs) -> Stage:
    return expert_stage(
        inputs,
        regions_row,
        columns=("width", "height"),
        beside=(Part(IMAGE_SCORES, ("image_id", "scores"), inputs.upstream_recipe),),
        thresholds=inputs.settings.thresholds,
    )


STAGE = StageDefinition(
    table=REGIONS,
    reads=(IMAGE_SCORES, IMAGES),
    help=HELP["context"],
    build=_build,
    settings=ContextSettings,
    slot="context",
)
