"""Lift: from masks and depth to metric objects in a gravity-aligned frame."""

from jobs.engine.factories import row_stage
from jobs.engine.joined import Joined, Part
from jobs.engine.outlines import HELP
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from schemas.images import IMAGES
from schemas.perception import DEPTHS, REGIONS
from schemas.scenes import SCENES
from udfs.stages.lift import CRAWL_DEPTH, LiftSettings, lift_row

_DEPTH = tuple(name for name in DEPTHS.columns if name not in ("recipe", "engine_version"))


def _build(inputs: StageInputs) -> Stage:
    masks = Part(REGIONS, ("image_id", "width", "height", "regions"), inputs.recipe(REGIONS))
    depth = Part(DEPTHS, _DEPTH, inputs.recipe(DEPTHS))
    # The maps of images are the largest part where `depths` repeats none of them, so they are what is not broadcast.
    read = Joined(Part(IMAGES, ("image_id", "depth"), renamed={"depth": CRAWL_DEPTH}), (depth, masks))
    return row_stage(inputs, read, lift_row, arrow_rows=32, changes=inputs.settings.changes())


STAGE = StageDefinition(
    table=SCENES,
    reads=(DEPTHS, REGIONS, IMAGES),
    help=HELP["lift"],
    build=_build,
    settings=LiftSettings,
)
