"""Taller and shorter: which of two objects is taller from bottom to top, and by how much."""

import math

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.size import size_margin_m
from udfs.questions.uncertainty import both_of, height_error
from udfs.questions.unit import METERS


def _taller(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    if a.height_m < b.height_m:
        a, b = b, a
    excess, threshold = a.height_m - b.height_m, size_margin_m(a.height_m)
    return Decided(a, b, excess, threshold) if excess >= threshold else None


def _error(decided: Decided, gates: Gates) -> float:
    a, b = both_of(decided)
    return math.hypot(height_error(a, gates), height_error(b, gates))


TALLER = PairRule(
    name="taller",
    needs=(Need.AMODAL, Need.GRAVITY),
    decide=_taller,
    error=_error,
    compares="H(A) - H(B) >= T_size",
    error_is="those of both heights",
)
_SIDES = ("taller", "shorter")
_NEEDS = (Need.AMODAL, Need.GRAVITY)

QUESTION_TYPES = (
    QuestionType(type_id="Q13", name="taller than", title="Taller?", rule=TALLER),
    QuestionType(type_id="Q14", name="shorter than", title="Shorter?", rule=TALLER, of_first=False),
    QuestionType(type_id="Q15", name="taller or shorter", rule=TALLER, sides=_SIDES),
    QuestionType(
        type_id="N12",
        name="how much taller",
        rule=TALLER,
        needs=(Need.AMODAL, Need.METRIC, Need.GRAVITY),
        sides=_SIDES,
        unit=METERS,
        span=spans.heights,
    ),
)
