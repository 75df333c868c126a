"""Bigger and smaller: which of two objects takes up more volume."""

import math

from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, height_error, root_sum_square, width_error

_NEEDS = (Need.AMODAL, Need.GRAVITY)


def _bigger(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    if a.volume_m3 < b.volume_m3:
        a, b = b, a
    excess, threshold = a.volume_m3 - b.volume_m3, 0.30 * a.volume_m3
    if not excess >= threshold > 0:
        return None
    area_a, area_b = a.e_y * a.height_m, b.e_y * b.height_m
    return Decided(a, b, excess, threshold) if area_a - area_b >= 0.20 * area_a else None


def _error(decided: Decided, gates: Gates) -> float:
    a, b = both_of(decided)
    return math.hypot(_volume_error(a, gates), _volume_error(b, gates))


def _volume_error(a: SeenObject, gates: Gates) -> float:
    if not (a.e_y > 0 and a.height_m > 0):
        return math.inf
    across, up = width_error(a) / a.e_y, height_error(a, gates) / a.height_m
    # The third extent, along the view, is known no better than the one across it.
    return a.volume_m3 * root_sum_square(across, across, up)


BIGGER = PairRule(
    name="bigger",
    needs=_NEEDS,
    decide=_bigger,
    error=_error,
    compares="V(A) - V(B) >= 30 % of V(A)",
    check="the frontal area e_y H of A exceeds that of B by 20 % of it",
    error_is="those of both volumes: of each, its relative error of height and, twice, of width",
)

QUESTION_TYPES = (
    QuestionType(type_id="Q16", name="bigger than", title="Bigger?", rule=BIGGER),
    QuestionType(type_id="Q17", name="smaller than", title="Smaller?", rule=BIGGER, of_first=False),
    QuestionType(type_id="Q18", name="bigger or smaller", rule=BIGGER, sides=("bigger", "smaller")),
)
