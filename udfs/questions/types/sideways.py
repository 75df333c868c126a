"""Left and right: which of two objects is further to one side of the viewer, and how far."""

from udfs.margins import lateral_margin_m
from udfs.questions import spans
from udfs.questions.carrying import carries
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, DerivedRule, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, root_sum_square
from udfs.questions.unit import METERS

_MAX_OVERLAP = 0.5


def _sideways(a: SeenObject, b: SeenObject, pair: SeenPair | None, _gates: Gates) -> Decided | None:
    if carries(a, b, pair):
        return None
    dy = a.m_y - b.m_y
    if dy < 0:
        a, b, dy = b, a, -dy
    threshold = lateral_margin_m(a.range_m, b.range_m)
    # y points left and u right.
    return Decided(a, b, dy, threshold) if dy >= threshold and a.u_norm < b.u_norm else None


def _left(decided: Decided) -> Decided | None:
    a, b = both_of(decided)
    shared = min(a.hi_y, b.hi_y) - max(a.lo_y, b.lo_y)
    return decided if shared <= _MAX_OVERLAP * min(a.hi_y - a.lo_y, b.hi_y - b.lo_y) else None


def _error(decided: Decided, _: Gates) -> float:
    a, b = both_of(decided)
    return root_sum_square(a.error_m * a.ray_y, b.error_m * b.ray_y, a.pixel_m, b.pixel_m)


_ERROR_IS = "both ray errors projected on y, and both pixels"
SIDEWAYS = PairRule(
    name="sideways",
    needs=(),
    decide=_sideways,
    error=_error,
    compares="m_y(A) - m_y(B) >= T_lat",
    check="u(A) < u(B); neither carries or holds the other",
    error_is=_ERROR_IS,
)
LEFT = DerivedRule(
    name="left",
    needs=(),
    derive={SIDEWAYS: _left},
    error=_error,
    compares="m_y(A) - m_y(B) >= T_lat",
    check="u(A) < u(B); the y intervals share at most half of the shorter one; neither carries or holds the other",
    error_is=_ERROR_IS,
)

QUESTION_TYPES = (
    QuestionType(type_id="Q01", name="left of", rule=LEFT, is_mirrored=True),
    QuestionType(type_id="Q02", name="right of", rule=LEFT, of_first=False, is_mirrored=True),
    QuestionType(type_id="Q03", name="further left or right", rule=LEFT, sides=("left", "right"), is_mirrored=True),
    QuestionType(
        type_id="N05",
        name="how far left or right",
        rule=SIDEWAYS,
        needs=(Need.METRIC,),
        sides=("left", "right"),
        unit=METERS,
        is_mirrored=True,
        span=spans.across,
    ),
)
