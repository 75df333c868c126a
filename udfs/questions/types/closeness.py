"""Close together: whether the gap between two objects is small for their size.

Yes and no are decided by rules of their own, with room between them, and so on different pairs.
"""

from udfs.questions.carrying import carries
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, PairRule
from udfs.questions.scene import Gates, SeenPair
from udfs.questions.seen_object import SeenObject
from udfs.questions.uncertainty import gap_error

_MAX_NEAR_M = 1.0


def _size_m(a: SeenObject, b: SeenObject) -> float:
    larger_m3 = max(a.volume_m3, b.volume_m3)
    return larger_m3 ** (1.0 / 3.0) if larger_m3 > 0 else 0.0


def _near(a: SeenObject, b: SeenObject, pair: SeenPair | None, _: Gates) -> Decided | None:
    if pair is None or pair.gap_m > _MAX_NEAR_M or carries(a, b, pair):
        return None
    size_m = _size_m(a, b)
    if not size_m:
        return None
    near_m = min(0.5 * size_m, _MAX_NEAR_M)
    return Decided(a, b, pair.gap_m, near_m, "yes") if pair.gap_m <= near_m else None


def _far(a: SeenObject, b: SeenObject, pair: SeenPair | None, _: Gates) -> Decided | None:
    size_m = _size_m(a, b)
    if pair is None or not size_m:
        return None
    far_m = 2.0 * size_m
    return Decided(a, b, pair.gap_m, far_m, "no") if pair.gap_m >= far_m else None


_ERROR_IS = "that of the distance between closest points; the margin is what parts it from its limit"
NEAR = PairRule(
    name="near",
    needs=(Need.METRIC,),
    decide=_near,
    error=gap_error,
    compares="yes: D_gap <= 0.5 s and <= 1 m; s = cube root of the larger V",
    check="neither carries or holds the other",
    error_is=_ERROR_IS,
    keeps_threshold=True,
)
FAR = PairRule(
    name="far",
    needs=(Need.METRIC,),
    decide=_far,
    error=gap_error,
    compares="no: D_gap >= 2 s",
    error_is=_ERROR_IS,
    keeps_threshold=True,
)

QUESTION_TYPES = (QuestionType(type_id="Q19", name="close together", rule=NEAR, opposite=FAR),)
