"""Three objects as a triangle: its kind, an angle, and how many times as far one is as another."""

import math

from udfs.questions.comparing import stated_error
from udfs.questions.question_type import AnswerKind, Group, QuestionType, Variant
from udfs.questions.related import Related, decided_of
from udfs.questions.rule import Decided, Given, Need, SeveralRule
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.types.center_distance import CENTERS
from udfs.questions.unit import RADIANS, RATIO

_DRAWN = 24
_LEAST_M = 0.3
_EQUAL, _DIFFERENT = 1.10, 1.20
_TWICE, _GUARD = 2.0, 0.15
_MIN_RATIO = 1.3
_MIN_ANGLE_RAD, _MAX_ERROR_RAD = math.radians(15.0), math.radians(5.0)
_Sides = tuple[float, float, float]


def _triangles(related: Related, name: str) -> list[tuple[tuple[SeenObject, ...], _Sides, float]]:
    """Return drawn choices of A, B and C with the sides AB, AC and BC, m, and the largest relative error of one."""
    numbers, found = related.numbers(CENTERS), []
    for things in related.choices(related.draws(name), 3, 3, _DRAWN):
        a, b, c = (one.object_id for one in things)
        sides = [numbers.get(ids) for ids in ((a, b), (a, c), (b, c))]
        known = [side for side in sides if side is not None and side[0].margin >= _LEAST_M]
        if len(known) == 3:
            lengths_m = (known[0][0].margin, known[1][0].margin, known[2][0].margin)
            found.append((things, lengths_m, max([sigma / decided.margin for decided, sigma in known])))
    return found


def _kinds(related: Related, settings: SynthesizeSettings) -> list[Decided]:
    found = []
    for things, sides_m, error in _triangles(related, "triangle"):
        word = _kind(sides_m, 1 + settings.sure_sigmas * error)
        if word is not None:
            found.append(decided_of(things, max(sides_m) / min(sides_m), _DIFFERENT, word))
    return found


def _kind(sides_m: _Sides, error: float) -> str | None:
    short, middle, long = sorted(sides_m)
    lower, upper = middle / short, long / middle
    equal, different = _EQUAL / error, _DIFFERENT * error
    if long / short <= equal:
        return "equilateral"
    if lower >= different and upper >= different:
        return "scalene"
    if (lower <= equal and upper >= different) or (upper <= equal and lower >= different):
        return "isosceles"
    return None


def _angles(related: Related, _: SynthesizeSettings) -> list[Decided]:
    found = []
    # The angle is at B, the second one named.
    for things, (ab, ac, bc), error in _triangles(related, "angle"):
        angle = math.acos(max(-1.0, min(1.0, (ab * ab + bc * bc - ac * ac) / (2 * ab * bc))))
        a, b, c = things
        across_m = math.hypot(*[math.hypot(one.error_m, one.pixel_m) for one in things])
        sigma = across_m / min(ab, bc)
        if angle >= _MIN_ANGLE_RAD and angle <= math.pi - _MIN_ANGLE_RAD / 3 and error < _GUARD:
            given = Given(fact=str(b.object_id), sigma_m=sigma)
            found.append(decided_of((a, b, c), angle, _MIN_ANGLE_RAD, given=given))
    return found


def _twice(related: Related, settings: SynthesizeSettings) -> list[Decided]:
    found = []
    for (a, b, c), (ab, ac, bc), error in _triangles(related, "twice"):
        guard = _GUARD + settings.sure_sigmas * math.sqrt(2) * error
        for things, far, near in (((a, b, c), ab, ac), ((b, a, c), ab, bc), ((c, a, b), ac, bc)):
            ratio = max(far, near) / min(far, near)
            word = "yes" if ratio >= _TWICE * (1 + guard) else "no" if ratio <= _TWICE * (1 - guard) else None
            if word is not None:
                # B is the farther one: that the nearer one is not twice as far would be too easy.
                asked = things if far >= near else (things[0], things[2], things[1])
                given = Given(fact=str(things[0].object_id))
                found.append(decided_of(asked, ratio, _TWICE, word, given))
    return found


def _ratios(related: Related, _settings: SynthesizeSettings) -> list[Decided]:
    found = []
    for (a, b, c), (ab, ac, _), error in _triangles(related, "ratio"):
        ratio = max(ab, ac) / min(ab, ac)
        if ratio >= _MIN_RATIO:
            things = (a, b, c) if ab > ac else (a, c, b)
            given = Given(fact=str(a.object_id), sigma_m=math.sqrt(2) * error * ratio)
            found.append(decided_of(things, ratio, _MIN_RATIO, given=given))
    return found


_NEEDS = (Need.METRIC,)
_CHECK = "every distance is one that the rule center decides, 0.3 m or more"
_ERROR_IS = "those of the distances of centers"


def _max_error(*_: object) -> float:
    return _MAX_ERROR_RAD


TRIANGLE = SeveralRule(
    name="triangle",
    needs=_NEEDS,
    decide=_kinds,
    compares="of the distances of three centers, those that are called equal are within 10 %, those that are called "
    "different apart by 20 % or more",
    check=_CHECK,
    error_is=_ERROR_IS,
)
ANGLE = SeveralRule(
    name="angle at a thing",
    needs=_NEEDS,
    decide=_angles,
    error=stated_error,
    compares="angle at the center of B between the centers of A and C, 15 to 175 degrees",
    check=_CHECK,
    error_is="ray and pixel errors of the three, over the shorter side",
)
TWICE = SeveralRule(
    name="twice as far",
    needs=_NEEDS,
    decide=_twice,
    compares="distance of the centers of A and B / that of A and C >= 2.3; no: 1 to 1.7",
    check=_CHECK,
    error_is=_ERROR_IS,
)
TIMES_AS_FAR = SeveralRule(
    name="times as far",
    needs=_NEEDS,
    decide=_ratios,
    error=stated_error,
    compares="distance of the centers of A and B / that of A and C, >= 1.3",
    check=_CHECK,
    error_is=_ERROR_IS,
)

QUESTION_TYPES = (
    QuestionType(
        type_id="M09", name="more than twice as far", rule=TWICE, answers_with=AnswerKind.BOOL, group=Group.FURTHER
    ),
    QuestionType(
        type_id="M10",
        name="kind of triangle",
        rule=TRIANGLE,
        answers_with=AnswerKind.TEXT,
        variants={kind: Variant() for kind in ("equilateral", "isosceles", "scalene")},
        group=Group.FURTHER,
    ),
    QuestionType(
        type_id="M11", name="angle at a thing", rule=ANGLE, unit=RADIANS, max_error=_max_error, group=Group.FURTHER
    ),
    QuestionType(type_id="M24", name="how many times as far", rule=TIMES_AS_FAR, unit=RATIO, group=Group.FURTHER),
)
