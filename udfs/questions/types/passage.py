"""Passing between two things that stand on the floor: whether a stated width fits, and the widest that does."""

from functools import partial

from udfs.questions import spans
from udfs.questions.bodies import Stated, stated_near
from udfs.questions.comparing import COMPARED_ERROR_IS, against, draws_of, stated_error
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, Room, SceneRule, Stating
from udfs.questions.scene import Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import both_of, surface_distance_error
from udfs.questions.unit import METERS_DOWN

_Passing = tuple[SeenObject, SeenObject, float]


def _passages(scene: Scene) -> list[_Passing]:
    """Return the gaps between two things that have a name, with their widths, m."""
    named = {seen.object_id: seen for seen in scene.objects}
    passages = scene.layout.passages if scene.layout else []
    return [(named[p.a], named[p.b], p.width_m) for p in passages if p.a in named and p.b in named]


def _rooms(scene: Scene) -> list[Room]:
    passages = _passages(scene)
    return [Room(things=(a, b), has_m=width_m, sigma_m=surface_distance_error(a, b, 0.0)) for a, b, width_m in passages]


def _passes(scene: Scene, settings: SynthesizeSettings, fits: bool) -> list[Decided]:
    found = []
    for room in _rooms(scene):
        draws = draws_of(scene, settings, "passes" if fits else "blocked", room.things)
        stated = stated_near(room.has_m, fits, "width_m", draws)
        if stated is not None:
            found.append(against(room, stated, "yes" if fits else "no", what_passes(stated), scene.gates))
    return found


def what_passes(stated: Stated) -> str:
    """Return the words for who or what is to pass, with a slot for the width."""
    body = stated.body
    return "an object {needs} wide" if body is None else f"{body.name} {body.relative} needs a width of {{needs}}"


def _widest(scene: Scene, _: SynthesizeSettings) -> list[Decided]:
    return [Decided(a, b, width_m, 0.0) for a, b, width_m in _passages(scene)]


_NEEDS = (Need.METRIC, Need.GRAVITY, Need.SUPPORT)
_CHECK = (
    "both stand on the floor; the distance of their visible footprints is within 10 % of it; nothing else reaches "
    "between them"
)
_STATING = Stating(measure="width_m", rooms=_rooms, what=what_passes, things=2)
PASSES = SceneRule(
    name="passes",
    needs=_NEEDS,
    decide=partial(_passes, fits=True),
    things=2,
    error=stated_error,
    compares="yes: the distance of the boxes from above >= 1.15 times the stated width",
    check=_CHECK,
    error_is=COMPARED_ERROR_IS,
    keeps_threshold=True,
    stating=_STATING,
)
BLOCKED = SceneRule(
    name="blocked",
    needs=_NEEDS,
    decide=partial(_passes, fits=False),
    things=2,
    error=stated_error,
    compares="no: it is <= 0.85 times the stated width",
    check=_CHECK,
    error_is=COMPARED_ERROR_IS,
    keeps_threshold=True,
)
WIDEST = SceneRule(
    name="widest",
    needs=_NEEDS,
    decide=_widest,
    things=2,
    error=lambda decided, _: surface_distance_error(*both_of(decided), 0.0),
    compares="the distance of the boxes from above, 0.2 to 4 m; it is said rounded down",
    check=_CHECK,
    error_is="that of the horizontal clearance",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="F01",
        name="passes between",
        rule=PASSES,
        opposite=BLOCKED,
        group=Group.AFFORDANCE,
        span=spans.boxes,
    ),
    QuestionType(
        type_id="F02",
        name="widest that passes between",
        rule=WIDEST,
        unit=METERS_DOWN,
        distance_kind="clearance",
        span=spans.boxes,
        group=Group.AFFORDANCE,
    ),
)
