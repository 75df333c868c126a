"""Synthesize: questions and answers from geometry and referring expressions."""

from jobs.engine.factories import batch_stage
from jobs.engine.joined import Joined, Part
from jobs.engine.outlines import HELP
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from jobs.engine.writing import AppendBulk
from schemas.answers import QA_PAIRS
from schemas.duplicates import NEAR_DUPLICATES
from schemas.images import IMAGES
from schemas.scenes import REFERENCES, SCENES
from udfs.stages.synthesize import SynthesizeSettings, synthesize_batches

_SCENE = tuple(name for name in SCENES.columns if name not in ("engine_version", "planes", "rejected"))
_GROUP = ("image_id", "cluster_id", "group_id", "other_groups")


def _build(inputs: StageInputs) -> Stage:
    duplicates = inputs.recipe(NEAR_DUPLICATES)
    scenes = Part(SCENES, _SCENE, inputs.recipe(SCENES), renamed={"recipe": "scene_recipe"})
    named = Part(REFERENCES, ("image_id", "references"), inputs.recipe(REFERENCES))
    licences, groups = Part(IMAGES, ("image_id", "licence")), Part(NEAR_DUPLICATES, _GROUP, duplicates)
    changes = {**inputs.settings.changes(), "near_duplicates": duplicates}
    read = Joined(scenes, (named, licences, groups))
    return batch_stage(inputs, read, synthesize_batches, files_per_batch=16, arrow_rows=500, changes=changes)


STAGE = StageDefinition(
    table=QA_PAIRS,
    reads=(REFERENCES, SCENES, IMAGES, NEAR_DUPLICATES),
    help=HELP["synthesize"],
    build=_build,
    settings=SynthesizeSettings,
    writing=AppendBulk(),
)
