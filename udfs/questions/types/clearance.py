"""Horizontal clearance: the distance between the footprints of two objects."""

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import both_of, surface_distance_error
from udfs.questions.unit import METERS

_MIN_DISTANCE_M = 0.10


def _clearance(a: SeenObject, b: SeenObject, pair: SeenPair | None, _: Gates) -> Decided | None:
    if pair is None or not pair.clearance_m >= _MIN_DISTANCE_M:
        return None
    return Decided(a, b, pair.clearance_m, _MIN_DISTANCE_M)


CLEARANCE = PairRule(
    name="clearance",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_clearance,
    error=lambda decided, _: surface_distance_error(*both_of(decided), 0.0),
    compares="distance of the footprints >= 0.10 m; a footprint is the outline from above of the points "
    "between the 1st and the 99th percentile of x and of y",
    error_is="both ray errors along the line of centers from above, both edges, and the unaveraged "
    "noise of both surfaces",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N19",
        name="horizontal clearance",
        rule=CLEARANCE,
        unit=METERS,
        distance_kind="clearance",
        span=spans.footprints,
    ),
)
