"""Within reach: of someone at the camera, or of an arm that stands where another thing is."""

from functools import partial
from itertools import permutations

from udfs.questions.bodies import Stated, stated_near
from udfs.questions.comparing import COMPARED_ERROR_IS, compared, draws_of, stated_error, with_scale
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, SceneRule
from udfs.questions.scene import Scene
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import center_distance_error, centers_agree

_MIN_RANGE_M, _MAX_RANGE_M = 0.3, 4.0
_MAX_THINGS = 12  # of which two make a pair


def _from_camera(scene: Scene, settings: SynthesizeSettings, reaches: bool) -> list[Decided]:
    found = []
    for a in scene.objects:
        distance_m = a.range_m
        draws = draws_of(scene, settings, "reached" if reaches else "beyond", (a,))
        stated = stated_near(distance_m, not reaches, "reach_m", draws)
        if stated is not None and _MIN_RANGE_M <= distance_m <= _MAX_RANGE_M:
            sigma_m = with_scale(a.error_m, distance_m, scene.gates)
            found.append(compared((a,), distance_m, stated, _word(reaches), {"what": _what(stated)}, sigma_m))
    return found


def _from_other(scene: Scene, settings: SynthesizeSettings, reaches: bool) -> list[Decided]:
    found = []
    for a, b in permutations(scene.objects[:_MAX_THINGS], 2):
        dx, dy, dz = a.m_x - b.m_x, a.m_y - b.m_y, a.m_z - b.m_z
        distance_m = (dx * dx + dy * dy + dz * dz) ** 0.5
        if not _MIN_RANGE_M <= distance_m <= _MAX_RANGE_M or not centers_agree(a, b, distance_m):
            continue
        draws = draws_of(scene, settings, "in reach of" if reaches else "out of reach of", (a, b))
        stated = stated_near(distance_m, not reaches, "reach_m", draws)
        if stated is not None:
            sigma_m = with_scale(center_distance_error(a, b, dz), distance_m, scene.gates)
            found.append(compared((a, b), distance_m, stated, _word(reaches), {"what": _what(stated)}, sigma_m))
    return found


def _word(reaches: bool) -> str:
    return "yes" if reaches else "no"


def _what(stated: Stated) -> str:
    return (
        "a robot arm with a reach of {needs}"
        if stated.body is None
        else f"{stated.body.name} with a reach of {{needs}}"
    )


def _rule(name: str, yes: bool, viewer: bool) -> SceneRule:
    what = "the distance from the camera to A" if viewer else "the distance of the centers of A and B"
    limit = "yes: {} <= reach / 1.15" if yes else "no: {} >= reach / 0.85"
    check = f"{_MIN_RANGE_M} to {_MAX_RANGE_M:g} m"
    return SceneRule(
        name=name,
        needs=(Need.METRIC,),
        decide=partial(_from_camera if viewer else _from_other, reaches=yes),
        things=1 if viewer else 2,
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
        group=Group.AFFORDANCE,
    ),
)
