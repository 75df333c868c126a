"""Distance between the closest points of two objects."""

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import gap_error
from udfs.questions.unit import METERS

_MIN_GAP_M = 0.05


def _gap(a: SeenObject, b: SeenObject, pair: SeenPair | None, _: Gates) -> Decided | None:
    if pair is None or not pair.gap_m >= _MIN_GAP_M or _may_touch(a, b, pair):
        return None
    return Decided(a, b, pair.gap_m, _MIN_GAP_M)


def _may_touch(a: SeenObject, b: SeenObject, pair: SeenPair) -> bool:
    return pair.masks_adjacent and a.sigma_m * a.sigma_m + b.sigma_m * b.sigma_m > pair.gap_m * pair.gap_m


GAP = PairRule(
    name="gap",
    needs=(Need.METRIC,),
    decide=_gap,
    error=gap_error,
    compares="D_gap >= 0.05 m",
    check="not where the masks touch and the depth error exceeds D_gap",
    error_is="both ray errors along the line of centers, both edges, and the unaveraged noise of both surfaces",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N01",
        name="distance between closest points",
        title="Closest-point distance",
        rule=GAP,
        unit=METERS,
        distance_kind="gap",
        span=spans.closest_points,
    ),
)
