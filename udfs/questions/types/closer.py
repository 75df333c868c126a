"""Closer and farther: which of two objects is closer to the camera, and by how much."""

from udfs.margins import depth_margin_m
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import ray_errors
from udfs.questions.unit import METERS


def _closer(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    by_range = b.range_m - a.range_m
    if not by_range * (b.depth_m - a.depth_m) > 0:
        return None
    if by_range < 0:
        a, b, by_range = b, a, -by_range
    threshold = depth_margin_m(a.range_m, b.range_m, a.sigma_m, b.sigma_m)
    return Decided(a, b, by_range, threshold) if by_range >= threshold else None


CLOSER = PairRule(
    name="closer",
    needs=(),
    decide=_closer,
    error=ray_errors,
    compares="r(B) - r(A) >= T_dep",
    check="zc(A) < zc(B)",
    error_is="both ray errors",
)
_SIDES = ("closer", "farther")

QUESTION_TYPES = (
    QuestionType(
        type_id="Q09",
        name="closer or farther",
        rule=CLOSER,
        sides=_SIDES,
        # In evaluation sets it says the same of two objects as in front of and behind.
        relation="nearer",
    ),
    QuestionType(
        type_id="N14",
        name="how much farther from the camera",
        title="How much farther",
        rule=CLOSER,
        needs=(Need.METRIC,),
        sides=_SIDES,
        unit=METERS,
        distance_kind="range",
    ),
)
