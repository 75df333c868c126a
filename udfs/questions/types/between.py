"""Between: whether one object stands between two others, seen from above."""

import math

from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.related import Related, decided_of
from udfs.questions.rule import Decided, Given, Need, SeveralRule
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings

_MIN_SPAN_M = 0.3
_INSIDE, _OUTSIDE = 0.2, 0.1
_NEAR, _OFF = 0.25, 0.6
_DRAWN = 40


def _between(related: Related, settings: SynthesizeSettings) -> list[Decided]:
    found = []
    for a, b, c in related.choices(related.draws("between"), 3, 3, _DRAWN):
        for things in ((a, b, c), (b, a, c), (c, a, b)):
            answer = _answer(things, settings.sure_sigmas)
            if answer is not None:
                # The same three with another one in the middle are another question.
                given = Given(fact=str(things[0].object_id))
                found.append(decided_of(things, answer[1], _NEAR, answer[0], given=given))
    return found


def _answer(things: tuple[SeenObject, ...], sigmas: float) -> tuple[str, float] | None:
    """Return yes or no, and how far A is off the line from B to C as a share of its length."""
    flat = _along([(one.m_x, one.m_y, 0.0) for one in things])
    solid = _along([(one.m_x, one.m_y, one.m_z) for one in things])
    if flat is None or solid is None:
        return None
    share, off, span_m = flat
    error = sigmas * max([math.hypot(one.error_m, one.pixel_m) for one in things]) / span_m
    if _INSIDE + error <= share <= 1 - _INSIDE - error and off + error <= _NEAR:
        agrees = solid[1] <= _NEAR and _INSIDE <= solid[0] <= 1 - _INSIDE
        return ("yes", off) if agrees else None
    is_outside = share + error <= -_OUTSIDE or share - error >= 1 + _OUTSIDE
    return ("no", off) if is_outside or off - error >= _OFF else None


def _along(points: list[tuple[float, float, float]]) -> tuple[float, float, float] | None:
    """Return where the first point is along the line between the others, and how far off, as shares of its length."""
    a, b, c = points
    line = [q - p for p, q in zip(b, c, strict=True)]
    to = [q - p for p, q in zip(b, a, strict=True)]
    length_m = math.hypot(*line)
    if not length_m >= _MIN_SPAN_M:
        return None
    share = sum([p * q for p, q in zip(to, line, strict=True)]) / length_m**2
    off_m = math.hypot(*[p - share * q for p, q in zip(to, line, strict=True)])
    return share, off_m / length_m, length_m


BETWEEN = SeveralRule(
    name="between",
    needs=(Need.GRAVITY,),
    decide=_between,
    compares="seen from above, the center of A is at 0.2 to 0.8 of the line from B to C (at least 0.3 m) and off it by "
    "at most 0.25 of its length; no: beyond an end by 0.1 of it, or off by 0.6",
    check="yes: so it is in space",
    error_is="the largest of the three ray and pixel errors",
)

QUESTION_TYPES = (
    QuestionType(type_id="X05", name="between", rule=BETWEEN, answers_with=AnswerKind.BOOL, group=Group.FURTHER),
)
