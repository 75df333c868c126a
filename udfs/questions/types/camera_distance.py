"""Distance of one object from the camera."""

from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, ObjectRule
from udfs.questions.scene import Gates
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.unit import METERS

_MIN_RANGE_M, _MAX_RANGE_M = 0.3, 20.0


def _range(a: SeenObject, _gates: Gates, _settings: SynthesizeSettings) -> Decided | None:
    return Decided(a, None, a.range_m, _MIN_RANGE_M) if _MIN_RANGE_M <= a.range_m <= _MAX_RANGE_M else None


RANGE = ObjectRule(
    name="range",
    needs=(Need.METRIC,),
    decide=_range,
    error=lambda decided, _: decided.first.error_m,
    compares="r, 0.3 to 20 m",
    error_is="the ray error",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N13",
        name="distance from the camera",
        title="Distance from camera",
        rule=RANGE,
        unit=METERS,
        distance_kind="range",
    ),
)
