"""How many times as tall or as wide one object is as another."""

import math

from udfs.questions.question_type import QuestionType, Variant
from udfs.questions.rule import Decided, DerivedRule, Need
from udfs.questions.scene import Gates
from udfs.questions.size import MIN_SIZE_M
from udfs.questions.types.taller import TALLER
from udfs.questions.types.wider import WIDER
from udfs.questions.uncertainty import both_of, height_error, width_error
from udfs.questions.unit import RATIO

_MIN_RATIO = 1.3


def _times_wider(decided: Decided) -> Decided | None:
    a, b = both_of(decided)
    if b.e_y >= MIN_SIZE_M and a.e_y >= _MIN_RATIO * b.e_y:
        return Decided(a, b, a.e_y / b.e_y, _MIN_RATIO, "wider")
    return None


def _times_taller(decided: Decided) -> Decided | None:
    a, b = both_of(decided)
    if b.height_m >= MIN_SIZE_M and a.height_m >= _MIN_RATIO * b.height_m:
        return Decided(a, b, a.height_m / b.height_m, _MIN_RATIO, "taller")
    return None


def _error(decided: Decided, gates: Gates) -> float:
    a, b = both_of(decided)
    if decided.word == "taller":
        relative = math.hypot(height_error(a, gates) / a.height_m, height_error(b, gates) / b.height_m)
    else:
        relative = math.hypot(width_error(a) / a.e_y, width_error(b) / b.e_y)
    return decided.margin * relative


RATIO_OF_SIZES = DerivedRule(
    name="ratio",
    needs=(Need.AMODAL,),
    derive={WIDER: _times_wider, TALLER: _times_taller},
    error=_error,
    compares="larger / smaller size >= 1.3, where T_size decides which is larger; A is the larger",
    check="as for wider and taller; `taller` also needs G",
    error_is="the relative errors of the two sizes",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N18",
        name="how many times taller or wider",
        rule=RATIO_OF_SIZES,
        sides=("taller", "wider"),
        unit=RATIO,
        variants={"taller": Variant(needs=(Need.AMODAL, Need.GRAVITY)), "wider": Variant()},
        keeps_order=True,
    ),
)
