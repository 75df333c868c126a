"""Height of a counter or a table top above the floor: of a thing's flat, level top as a surface of its own."""

import math

from udfs.questions import spans
from udfs.questions.comparing import stated_error
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Given, Need, SceneRule
from udfs.questions.scene import Gates, Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.unit import METERS

_MIN_M = 0.05


def _top(scene: Scene, _: SynthesizeSettings) -> list[Decided]:
    if scene.layout is None or not scene.layout.on_floor:
        return []
    named = {seen.object_id: seen for seen in scene.objects}
    tops = [(place, named[place.owner]) for place in scene.layout.places_of("top") if place.owner in named]
    return [
        Decided(place, None, place.row["height_m"], _MIN_M, given=Given(sigma_m=_sigma_m(owner, scene.gates)))
        for place, owner in tops
        if place.row["height_m"] >= _MIN_M and abs(owner.hi_z - place.row["height_m"]) <= _MIN_M
    ]


def _sigma_m(owner: SeenObject, gates: Gates) -> float:
    return math.hypot(owner.error_m * owner.ray_z, gates.gravity_sigma_rad * math.hypot(owner.m_x, owner.m_y))


TOP_HEIGHT = SceneRule(
    name="top height",
    needs=(Need.METRIC, Need.GRAVITY, Need.SUPPORT),
    decide=_top,
    of=("top",),
    error=stated_error,
    compares="height above the floor of what is flat, level and the highest part of a thing, >= 0.05 m",
    check="it lies within 5 cm of the top of what is visible of the thing",
    error_is="the ray error of the thing projected on the vertical, and the tilt of gravity over its distance",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="S02",
        name="height of a table top",
        rule=TOP_HEIGHT,
        unit=METERS,
        distance_kind="vertical",
        span=spans.down_from_top,
        asked_like=("N09", "N15", "N16"),
        group=Group.AFFORDANCE,
    ),
)
