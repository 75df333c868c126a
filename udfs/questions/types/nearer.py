"""In front and behind: which of two objects the viewer meets first along the view, and by how far."""

from udfs.margins import depth_margin_m
from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import ray_errors
from udfs.questions.unit import METERS


def _nearer(a: SeenObject, b: SeenObject, _pair: SeenPair | None, gates: Gates) -> Decided | None:
    by_depth = b.depth_m - a.depth_m
    if not by_depth * (b.range_m - a.range_m) > 0:
        return None
    if by_depth < 0:
        a, b, by_depth = b, a, -by_depth
    threshold = depth_margin_m(a.range_m, b.range_m, a.sigma_m, b.sigma_m)
    if not by_depth >= threshold:
        return None
    # Looking down, the top of a tall object is nearer to the camera than a flat one in front of it.
    return Decided(a, b, by_depth, threshold) if not gates.gravity or a.m_x < b.m_x else None


NEARER = PairRule(
    name="nearer",
    needs=(),
    decide=_nearer,
    error=ray_errors,
    compares="zc(B) - zc(A) >= T_dep",
    check="r(A) < r(B); where G is open also m_x(A) < m_x(B), the order on the ground",
    error_is="both ray errors",
)
_SIDES = ("front", "behind")

QUESTION_TYPES = (
    QuestionType(type_id="Q07", name="in front of", rule=NEARER),
    QuestionType(type_id="Q08", name="behind", rule=NEARER, of_first=False),
    QuestionType(
        type_id="N06",
        name="how far in front or behind",
        rule=NEARER,
        needs=(Need.METRIC,),
        sides=_SIDES,
        unit=METERS,
        span=spans.along_view,
    ),
)
