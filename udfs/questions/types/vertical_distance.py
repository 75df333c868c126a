"""Vertical distance: the free height between two objects where there is one, else between centers."""

from udfs.questions import spans
from udfs.questions.question_type import QuestionType, Variant
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, pair_tilt, root_sum_square
from udfs.questions.unit import METERS

_MIN_GAP_M = 0.05


def _vertical(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    gap = max(a.lo_z - b.hi_z, b.lo_z - a.hi_z)
    if gap > 0:
        # A person would measure the space between them only where top and bottom are in view.
        in_view = a.edge_ok and b.edge_ok
        return Decided(a, b, gap, _MIN_GAP_M, "gap") if gap >= _MIN_GAP_M and in_view else None
    between = abs(b.m_z - a.m_z)
    return Decided(a, b, between, _MIN_GAP_M, "center") if between >= _MIN_GAP_M else None


def _error(decided: Decided, gates: Gates) -> float:
    a, b = both_of(decided)
    along_a, along_b = a.error_m * a.ray_z, b.error_m * b.ray_z
    return root_sum_square(along_a, along_b, a.outline_m, b.outline_m, pair_tilt(a, b, gates))


VERTICAL = PairRule(
    name="vertical",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_vertical,
    error=_error,
    compares="the free height between the two where there is one (`gap`), else the distance of "
    "m_z(A) and m_z(B) (`center`), >= 0.05 m",
    check="`gap`: neither object is truncated or more than 10 % occluded",
    error_is="both ray errors projected on the vertical, both edges, and the tilt of gravity over "
    "the horizontal distance between the objects",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N04",
        name="vertical distance",
        rule=VERTICAL,
        unit=METERS,
        distance_kind="vertical",
        variants={"gap": Variant(distance_kind="gap"), "center": Variant()},
        span=spans.plumb,
    ),
)
