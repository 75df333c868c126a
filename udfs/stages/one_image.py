"""Runs the stages' functions on one image in memory: predictions, geometry and questions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from udfs.experts.expert import ExpertSpec, loaded_expert
from udfs.stages.disambiguate import DisambiguateSettings, disambiguate_row
from udfs.stages.lift import LiftSettings, lift_row
from udfs.stages.rows import Row
from udfs.stages.synthesize import QaColumns, SynthesizeSettings, synthesize_scene

RECIPE = "memory"


class Questioned(NamedTuple):
    """The rows of `scenes`, `references` and `qa_pairs` of one image; their `recipe` belongs to no lake.

    `lifted` is what was lifted: the columns of `depths` and `regions`.
    """

    scene: Row
    references: Row
    answers: list[Row]
    lifted: Row


def prediction_of(slot: str, spec: ExpertSpec, image: Row) -> Row:
    """Return an expert's prediction for a row of `images`, computed in this process.

    Raises:
        RowRejected: the image has nothing that the expert can use.
    """
    (prediction,) = loaded_expert(slot, spec).predict([image])
    if isinstance(prediction, Exception):
        raise prediction
    return prediction


def question_image(
    image: Row,
    regions: list[Row],
    depth: Mapping[str, Any],
    settings: tuple[LiftSettings, DisambiguateSettings, SynthesizeSettings],
) -> Questioned:
    """Lift an image, name its objects and ask about them.

    `image` is a row of `images`, `regions` and `depth` are the predictions of the slots context and depth.

    Raises:
        RowRejected: no object can be lifted.
    """
    lift, disambiguate, synthesize = settings
    keys = {"image_id": image["image_id"], "ingest_shard": image.get("ingest_shard", 0)}
    size = {"width": image["width"], "height": image["height"]}
    lifted = {**depth, **keys, **size, "regions": regions}
    scene = {**lift_row(lifted, lift), **keys, "recipe": RECIPE}
    references = {**disambiguate_row({**scene, "regions": regions}, disambiguate), **keys, "recipe": RECIPE}
    columns = QaColumns(RECIPE)
    asked = {**scene, "scene_recipe": RECIPE, "licence": image.get("licence")}
    synthesize_scene(asked, references["references"], synthesize, columns)
    return Questioned(scene, references, columns.rows(), lifted)
