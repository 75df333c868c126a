"""A question type: is one object at least twice as far from the camera as another?"""

from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, PairRule
from udfs.questions.scene import Gates, SeenObject, SeenPair
from udfs.questions.uncertainty import ray_errors

FACTOR = 2.0


def _decide(a: SeenObject, b: SeenObject, _: SeenPair | None, gates: Gates) -> Decided | None:
    far, near = (a, b) if a.range_m > b.range_m else (b, a)
    times = far.range_m / near.range_m
    return Decided(far, near, times, FACTOR) if times >= FACTOR else None


TWICE_AS_FAR = PairRule(
    name="twice as far",
    needs=(),
    decide=_decide,
    error=ray_errors,
    compares="r(A) / r(B) >= 2",
    error_is="both ray errors",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="X01",
        name="twice as far",
        title="Twice as far away?",
        rule=TWICE_AS_FAR,
    ),
)
