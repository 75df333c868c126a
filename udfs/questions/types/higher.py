"""Above and below: which of two objects is higher, by their centers, and by how much."""

from udfs.margins import lateral_margin_m
from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, pair_tilt, root_sum_square
from udfs.questions.unit import METERS


def _higher(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    dz = a.m_z - b.m_z
    if dz < 0:
        a, b, dz = b, a, -dz
    threshold = lateral_margin_m(a.range_m, b.range_m)
    if dz >= threshold and (a.lo_z > b.hi_z or a.v_norm < b.v_norm):
        return Decided(a, b, dz, threshold)
    return None


def _error(decided: Decided, gates: Gates) -> float:
    a, b = both_of(decided)
    along_a, along_b = a.error_m * a.ray_z, b.error_m * b.ray_z
    return root_sum_square(along_a, along_b, a.pixel_m, b.pixel_m, pair_tilt(a, b, gates))


HIGHER = PairRule(
    name="higher",
    needs=(Need.GRAVITY,),
    decide=_higher,
    error=_error,
    compares="m_z(A) - m_z(B) >= T_ver",
    check="the z intervals are disjoint, or v(A) < v(B)",
    error_is="both ray errors projected on the vertical, both pixels, and the tilt of gravity over "
    "the horizontal distance between the objects",
)
_SIDES = ("higher", "lower")

QUESTION_TYPES = (
    QuestionType(type_id="Q04", name="above", rule=HIGHER),
    QuestionType(type_id="Q05", name="below", rule=HIGHER, of_first=False),
    QuestionType(type_id="Q06", name="higher or lower", rule=HIGHER, sides=_SIDES),
    QuestionType(
        type_id="N07",
        name="how much higher or lower",
        rule=HIGHER,
        needs=(Need.METRIC, Need.GRAVITY),
        sides=_SIDES,
        unit=METERS,
        distance_kind="vertical",
        span=spans.plumb,
    ),
)
