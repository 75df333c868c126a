"""Disambiguate: a referring expression for every object that can be distinguished from its neighbors."""

from jobs.engine.factories import row_stage
from jobs.engine.joined import Joined, Part
from jobs.engine.outlines import HELP
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from schemas.perception import REGIONS
from schemas.scenes import REFERENCES, SCENES
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row

_SCENE = ("image_id", "ingest_shard", "objects", "rejected", "sigma_rel", "gravity_src", "gravity_sigma_deg")
_REGION = ("region_id", "label", "captions", "bbox_px", "similar", "object_probability", "names")


def _build(inputs: StageInputs) -> Stage:
    regions = Part(REGIONS, ("image_id", "regions"), inputs.recipe(REGIONS), fields={"regions": _REGION})
    read = Joined(Part(SCENES, _SCENE, inputs.recipe(SCENES)), (regions,))
    return row_stage(inputs, read, disambiguate_row, files_per_batch=32, arrow_rows=500)


STAGE = StageDefinition(
    table=REFERENCES,
    reads=(SCENES, REGIONS),
    help=HELP["disambiguate"],
    build=_build,
    settings=DisambiguateSettings,
)
