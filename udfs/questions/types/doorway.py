"""Doorways: how wide they are, and who passes."""

import math
from functools import partial

from udfs.questions.bodies import stated_near
from udfs.questions.comparing import COMPARED_ERROR_IS, against, draws_of, stated_error
from udfs.questions.layout import SeenPlace
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Given, Need, Room, SceneRule, Stating
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.types.passage import what_passes
from udfs.questions.unit import METERS


def _doorways(scene: Scene) -> list[tuple[SeenPlace, float, float]]:
    """Return the doorways with their widths and standard errors, m."""
    layout = scene.layout
    if layout is None:
        return []
    doorways = [(place, float(place.row["width_m"])) for place in layout.places_of("doorway")]
    return [(p, width_m, math.hypot(p.row["sigma_m"], layout.sigma_rel * width_m)) for p, width_m in doorways]


def _width(scene: Scene, _: SynthesizeSettings) -> list[Decided]:
    return [Decided(p, None, width_m, 0.0, given=Given(sigma_m=sigma_m)) for p, width_m, sigma_m in _doorways(scene)]


def _rooms(scene: Scene) -> list[Room]:
    return [Room(things=(place,), has_m=width_m, sigma_m=sigma_m) for place, width_m, sigma_m in _doorways(scene)]


def _passes(scene: Scene, settings: SynthesizeSettings, fits: bool) -> list[Decided]:
    found = []
    for room in _rooms(scene):
        draws = draws_of(scene, settings, "through" if fits else "too wide", room.things)
        stated = stated_near(room.has_m, fits, "width_m", draws)
        if stated is not None:
            found.append(against(room, stated, "yes" if fits else "no", what_passes(stated), scene.gates))
    return found


_NEEDS = (Need.METRIC, Need.GRAVITY, Need.SUPPORT)
_CHECK = "the wall is seen on both sides of the opening, at 20 heights between 0.1 and 1.7 m or more"
DOORWAY = SceneRule(
    name="doorway",
    needs=_NEEDS,
    decide=_width,
    of=("doorway",),
    error=stated_error,
    compares="distance along the wall between the two ends of where one sees through it, 0.4 to 3 m",
    check=_CHECK,
    error_is="the mean deviation of the ends over the heights, and the declared error of depth",
)
THROUGH = SceneRule(
    name="through the doorway",
    needs=_NEEDS,
    decide=partial(_passes, fits=True),
    of=("doorway",),
    stating=Stating(measure="width_m", rooms=_rooms, what=what_passes, things=1),
    error=stated_error,
    compares="yes: width of the doorway >= 1.15 times the stated width",
    check=_CHECK,
    error_is=COMPARED_ERROR_IS,
    keeps_threshold=True,
)
TOO_WIDE = SceneRule(
    name="too wide for the doorway",
    needs=_NEEDS,
    decide=partial(_passes, fits=False),
    of=("doorway",),
    error=stated_error,
    compares="no: it is <= 0.85 times the stated width",
    check=_CHECK,
    error_is=COMPARED_ERROR_IS,
    keeps_threshold=True,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="S03",
        name="width of a doorway",
        rule=DOORWAY,
        unit=METERS,
        distance_kind="clearance",
        asked_like=("N08",),
        group=Group.AFFORDANCE,
    ),
    QuestionType(
        type_id="S04", name="passes through a doorway", rule=THROUGH, opposite=TOO_WIDE, group=Group.AFFORDANCE
    ),
)
