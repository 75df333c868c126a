"""Distance between the centers of two objects, in space."""

import math

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, center_distance_error, centers_agree
from udfs.questions.unit import METERS

_MIN_DISTANCE_M = 0.10


def _centers(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    dx, dy, dz = b.m_x - a.m_x, b.m_y - a.m_y, b.m_z - a.m_z
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    decided = distance >= _MIN_DISTANCE_M and centers_agree(a, b, distance)
    return Decided(a, b, distance, _MIN_DISTANCE_M) if decided else None


def _error(decided: Decided, _: Gates) -> float:
    a, b = both_of(decided)
    return center_distance_error(a, b, a.m_z - b.m_z)


CENTERS = PairRule(
    name="center",
    needs=(Need.METRIC,),
    decide=_centers,
    error=_error,
    compares="distance of m(A) and m(B) >= 0.10 m",
    check="the centers of the size boxes lie as far apart, within 10 %, and both `box_sigma_m` are within that",
    error_is="both ray errors projected on the line of centers, and both pixels",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N02",
        name="distance center to center",
        title="Center distance",
        rule=CENTERS,
        unit=METERS,
        distance_kind="center",
        span=spans.centers,
    ),
)
