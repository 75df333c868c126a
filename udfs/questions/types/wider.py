"""Wider and narrower: which of two objects is wider from left to right, and by how much."""

import math

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.size import size_margin_m
from udfs.questions.uncertainty import both_of, width_error
from udfs.questions.unit import METERS


def _wider(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    if a.e_y < b.e_y:
        a, b = b, a
    excess, threshold = a.e_y - b.e_y, size_margin_m(a.e_y)
    if excess >= threshold and b.length_m - a.length_m <= size_margin_m(b.length_m):
        return Decided(a, b, excess, threshold)
    return None


def _error(decided: Decided, _: Gates) -> float:
    a, b = both_of(decided)
    return math.hypot(width_error(a), width_error(b))


WIDER = PairRule(
    name="wider",
    needs=(Need.AMODAL,),
    decide=_wider,
    error=_error,
    compares="e_y(A) - e_y(B) >= T_size",
    check="L(B) exceeds L(A) by at most T_size",
    error_is="those of both widths",
)
_SIDES = ("wider", "narrower")

QUESTION_TYPES = (
    QuestionType(type_id="Q10", name="wider than", title="Wider?", rule=WIDER),
    QuestionType(type_id="Q11", name="narrower than", title="Narrower?", rule=WIDER, of_first=False),
    QuestionType(type_id="Q12", name="wider or narrower", rule=WIDER, sides=_SIDES),
    QuestionType(
        type_id="N11",
        name="how much wider",
        rule=WIDER,
        needs=(Need.AMODAL, Need.METRIC),
        sides=_SIDES,
        unit=METERS,
        span=spans.widths,
    ),
)
