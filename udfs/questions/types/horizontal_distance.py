"""Distance between the centers of two objects, seen from above."""

import math

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, center_distance_error, centers_agree
from udfs.questions.unit import METERS

_MIN_DISTANCE_M = 0.10


def _level(a: SeenObject, b: SeenObject, _pair: SeenPair | None, _gates: Gates) -> Decided | None:
    dx, dy = b.m_x - a.m_x, b.m_y - a.m_y
    distance = math.sqrt(dx * dx + dy * dy)
    decided = distance >= _MIN_DISTANCE_M and centers_agree(a, b, distance, level=True)
    return Decided(a, b, distance, _MIN_DISTANCE_M) if decided else None


LEVEL = PairRule(
    name="horizontal",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_level,
    error=lambda decided, _: center_distance_error(*both_of(decided), 0.0),
    compares="distance of the centers in (x, y) >= 0.10 m",
    check="the centers of the size boxes lie as far apart, within 10 %, and both `box_sigma_m` are within that",
    error_is="both ray errors projected on the line of centers from above, and both pixels",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N03",
        name="horizontal distance",
        rule=LEVEL,
        unit=METERS,
        distance_kind="horizontal",
        span=spans.level,
    ),
)
