"""Free space beside a thing or on top of it: a point of the image in it, and how large it is."""

import math
from functools import partial

from udfs.questions.comparing import stated_error
from udfs.questions.question_type import Group, QuestionType, Variant
from udfs.questions.rule import Decided, Given, Need, SceneRule
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import root_sum_square
from udfs.questions.unit import SQUARE_METERS

_WHERE = {
    "left": "to the left of {A}",
    "right": "to the right of {A}",
    "front": "in front of {A}",
    "behind": "behind {A}",
}
_MIN_AREA_M2 = 0.035
_MAX_HIDDEN, _SAME = 0.10, 0.05


def _points(scene: Scene, _: SynthesizeSettings, on_top: bool) -> list[Decided]:
    named = {seen.object_id: seen for seen in scene.objects}
    found = []
    for space in scene.layout.spaces if scene.layout else ():
        a, side = named.get(space["object_id"]), space["side"]
        if a is None or (side == "top") != on_top:
            continue
        flat = space["outline"]
        given = Given(
            words={} if on_top else {"where": _WHERE[side]},
            sigma_m=2 * (a.error_m / a.range_m) * space["area_m2"] + a.outline_m * math.sqrt(space["area_m2"]),
            point=(space["point"][0], space["point"][1]),
            outline=tuple(zip(flat[::2], flat[1::2], strict=True)),
        )
        word = "value" if on_top else side
        found.append(Decided(a, None, space["area_m2"], _MIN_AREA_M2, word, given=given))
    return found


def _area(scene: Scene, _: SynthesizeSettings) -> list[Decided]:
    named = {seen.object_id: seen for seen in scene.objects}
    found = []
    for space in scene.layout.spaces if scene.layout else ():
        a = named.get(space["object_id"])
        shape = scene.layout.shapes.get(space["object_id"]) if scene.layout else None
        if a is None or shape is None or space["side"] != "top" or not shape.is_amodal:
            continue
        hidden_m2, whole_m2, box_m2 = space["hidden_m2"], space["whole_m2"], shape.box.area
        if hidden_m2 <= _MAX_HIDDEN * space["area_m2"] and abs(whole_m2 - box_m2) <= _SAME * box_m2:
            area_m2 = space["area_m2"] + hidden_m2 / 2
            edges_m2 = a.outline_m * shape.box.length / 2
            sigma_m2 = root_sum_square(2 * (a.error_m / a.range_m) * area_m2, edges_m2, hidden_m2 / 2)
            found.append(Decided(a, None, area_m2, _MIN_AREA_M2, given=Given(sigma_m=sigma_m2)))
    return found


_ERROR_IS = "twice the relative ray error of the area, and edges"
BESIDE = SceneRule(
    name="free beside",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=partial(_points, on_top=False),
    error=stated_error,
    compares="what is seen of the surface that carries A, within the quarter to that side and as far as A is long from "
    "corner to corner (at least 0.3 m), 2 cm from the outlines of all things that stand there; area >= 0.035 m2",
    check="the point is at most 35 degrees off that side's direction, and 4 cm or more, beside the error of depth at a "
    "glancing angle, from what is not free or seen",
    error_is=_ERROR_IS,
)
ON_TOP = SceneRule(
    name="free on top",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=partial(_points, on_top=True),
    error=stated_error,
    compares="what is seen of the flat, level top of A, but for what stands there; area >= 0.035 m2",
    check="the point is 4 cm or more from what is not free or not seen",
    error_is=_ERROR_IS,
)
FREE_AREA = SceneRule(
    name="free area",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_area,
    error=stated_error,
    compares="area of the flat, level top of A that is free, with half of what is hidden",
    check="at most 10 % of the area is hidden; the outline of what is seen has the area of the crawl's box within 5 %",
    error_is=f"{_ERROR_IS}, and half of what is hidden",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="F06",
        name="free space beside",
        rule=BESIDE,
        unit=SQUARE_METERS,
        variants={side: Variant() for side in _WHERE},
        is_point=True,
        group=Group.AFFORDANCE,
    ),
    QuestionType(
        type_id="F08",
        name="free space on top",
        rule=ON_TOP,
        unit=SQUARE_METERS,
        is_point=True,
        group=Group.AFFORDANCE,
    ),
    QuestionType(
        type_id="F09",
        name="free area of a top",
        rule=FREE_AREA,
        unit=SQUARE_METERS,
        group=Group.AFFORDANCE,
    ),
)
