"""Fits beneath: whether a thing, a person or a robot is low enough to go under something that hangs."""

import math
from functools import partial

from udfs.questions import spans
from udfs.questions.bodies import Stated, stated_near
from udfs.questions.comparing import COMPARED_ERROR_IS, against, compared, draws_of, stated_error
from udfs.questions.layout import SeenShape
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.rule import Decided, Need, Room, SceneRule, Stating
from udfs.questions.scene import Scene
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import height_error, root_sum_square

_MIN_SPACE_M = 0.10
_AGREE = 0.10
_LOW, _HIGH = 0.9, 1.1
_SLIGHTEST, _TALLEST = 0.3, 2.5  # others make no question
_ANY = (0.0, math.inf)


def _hanging(scene: Scene) -> list[tuple[SeenObject, SeenShape]]:
    """Return what hangs above the floor, named and seen down to its bottom."""
    shapes = scene.layout.shapes if scene.layout and scene.layout.on_floor else {}
    named = [(seen, shapes[seen.object_id]) for seen in scene.objects if seen.object_id in shapes]
    return [
        (seen, shape)
        for seen, shape in named
        if shape.is_whole
        and shape.bottom_m >= _MIN_SPACE_M
        and abs(shape.lo_m - shape.bottom_m) <= _AGREE * shape.bottom_m
        and not _is_carried(shape, shapes)
    ]


def _is_carried(shape: SeenShape, shapes: dict[int, SeenShape]) -> bool:
    """Return whether the top of something lies right beneath, or anything reaches into the space beneath."""
    return any(
        other is not shape and other.bottom_m < shape.bottom_m and other.box.intersects(shape.box)
        for other in shapes.values()
    )


def _fits(
    scene: Scene, settings: SynthesizeSettings, fits: bool, limits: tuple[float, float] = (_SLIGHTEST, _TALLEST)
) -> list[Decided]:
    found = []
    for above, shape in _hanging(scene):
        has_m = shape.bottom_m
        edge_m = _edge_m(above)
        draws = draws_of(scene, settings, "beneath" if fits else "too tall", (above,))
        stated = stated_near(has_m, fits, "height_m", draws)
        if stated is not None and stated.body is not None:
            room = Room(things=(above,), has_m=has_m, sigma_m=edge_m)
            found.append(against(room, stated, _word(fits), _who(stated), scene.gates))
        for below in scene.objects:
            height_m = below.height_m
            ratio = height_m / has_m
            decided = limits[0] <= ratio <= _LOW if fits else _HIGH <= ratio <= limits[1]
            if below is not above and below.size_ok and decided:
                sigma_m = root_sum_square(edge_m, height_error(below, scene.gates))
                stated_m = Stated(height_m, None)
                words = {"what": "{B}"}
                found.append(compared((above, below), has_m, stated_m, _word(fits), words, sigma_m))
    return found


def _rooms(scene: Scene) -> list[Room]:
    hanging = _hanging(scene)
    return [Room(things=(above,), has_m=shape.bottom_m, sigma_m=_edge_m(above)) for above, shape in hanging]


def _edge_m(above: SeenObject) -> float:
    return root_sum_square(above.error_m * above.ray_z, above.outline_m)


def _word(fits: bool) -> str:
    return "yes" if fits else "no"


def _who(stated: Stated) -> str:
    body = stated.body
    return "something that is {needs} tall" if body is None else f"{body.name} {body.relative} is {{needs}} tall"


_NEEDS = (Need.METRIC, Need.GRAVITY, Need.SUPPORT)
_CHECK = "what hangs is whole, its visible bottom within 10 % of that of its box, and nothing is beneath it"
BENEATH = SceneRule(
    name="beneath",
    needs=_NEEDS,
    decide=partial(_fits, fits=True),
    things=2,
    stating=Stating(measure="height_m", rooms=_rooms, what=_who, things=1),
    asked=partial(_fits, fits=True, limits=_ANY),
    error=stated_error,
    compares="yes: height <= 0.9 times the space from the floor to the bottom of A",
    check=_CHECK,
    error_is=COMPARED_ERROR_IS,
    keeps_threshold=True,
)
TOO_TALL = SceneRule(
    name="too tall",
    needs=_NEEDS,
    decide=partial(_fits, fits=False),
    asked=partial(_fits, fits=False, limits=_ANY),
    things=2,
    error=stated_error,
    compares="no: height >= 1.1 times that space",
    check=_CHECK,
    error_is=COMPARED_ERROR_IS,
    keeps_threshold=True,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="F05",
        name="fits under",
        rule=BENEATH,
        opposite=TOO_TALL,
        keeps_order=True,
        group=Group.AFFORDANCE,
        span=spans.down_from_bottom,
    ),
)
