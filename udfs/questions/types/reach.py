"""Within reach: of someone at the camera, or of an arm that stands where another thing is."""

from functools import partial
from itertools import permutations

from udfs.questions import spans
from udfs.questions.bodies import Stated, stated_near
from udfs.questions.comparing import COMPARED_ERROR_IS, against, draws_of, stated_error
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, Room, SceneRule, Stating
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import center_distance_error, centers_agree

_MIN_RANGE_M, _MAX_RANGE_M = 0.3, 4.0
_MAX_THINGS = 12  # of which two make a pair


def _from_camera(scene: Scene) -> list[Room]:
    return [Room(things=(a,), has_m=a.range_m, sigma_m=a.error_m) for a in scene.objects]


def _from_other(scene: Scene, most: int | None = None) -> list[Room]:
    found = []
    for a, b in permutations(scene.objects[:most], 2):
        dx, dy, dz = a.m_x - b.m_x, a.m_y - b.m_y, a.m_z - b.m_z
        distance_m = (dx * dx + dy * dy + dz * dz) ** 0.5
        if centers_agree(a, b, distance_m):
            found.append(Room(things=(a, b), has_m=distance_m, sigma_m=center_distance_error(a, b, dz)))
    return found


def _reaches(scene: Scene, settings: SynthesizeSettings, name: str, reaches: bool, viewer: bool) -> list[Decided]:
    found = []
    for room in _from_camera(scene) if viewer else _from_other(scene, _MAX_THINGS):
        if not _MIN_RANGE_M <= room.has_m <= _MAX_RANGE_M:
            continue
        draws = draws_of(scene, settings, name, room.things)
        stated = stated_near(room.has_m, not reaches, "reach_m", draws)
        if stated is not None:
            found.append(against(room, stated, "yes" if reaches else "no", _what(stated), scene.gates))
    return found


def _what(stated: Stated) -> str:
    return (
        "a robot arm with a reach of {needs}"
        if stated.body is None
        else f"{stated.body.name} with a reach of {{needs}}"
    )


def _rule(name: str, yes: bool, viewer: bool) -> SceneRule:
    draws = {True: ("beyond", "reached"), False: ("out of reach of", "in reach of")}[viewer][yes]
    rooms, things = (_from_camera, 1) if viewer else (_from_other, 2)
    what = "the distance from the camera to A" if viewer else "the distance of the centers of A and B"
    limit = "yes: {} <= reach / 1.15" if yes else "no: {} >= reach / 0.85"
    check = f"{_MIN_RANGE_M} to {_MAX_RANGE_M:g} m"
    return SceneRule(
        name=name,
        needs=(Need.METRIC,),
        decide=partial(_reaches, name=draws, reaches=yes, viewer=viewer),
        things=things,
        stating=Stating(measure="reach_m", rooms=rooms, what=_what, things=things, is_reach=True) if yes else None,
        error=stated_error,
        compares=limit.format(what),
        check=check if viewer else f"{check}; the centers of the size boxes lie as far apart, within 10 %",
        error_is=COMPARED_ERROR_IS,
        keeps_threshold=True,
    )


REACHED, BEYOND = _rule("reached", True, True), _rule("beyond reach", False, True)
IN_REACH, OUT_OF_REACH = _rule("in reach of", True, False), _rule("out of reach of", False, False)

QUESTION_TYPES = (
    QuestionType(type_id="F10", name="in reach from the camera", rule=REACHED, opposite=BEYOND, group=Group.AFFORDANCE),
    QuestionType(
        type_id="F14",
        name="in reach from another thing",
        rule=IN_REACH,
        opposite=OUT_OF_REACH,
        keeps_order=True,
        span=spans.centers,
        group=Group.AFFORDANCE,
    ),
)
