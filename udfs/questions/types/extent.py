"""Width, height and front-to-back length of one object."""

from udfs.questions import spans
from udfs.questions.question_type import QuestionType
from udfs.questions.rule import Decided, Need, ObjectRule
from udfs.questions.scene import Gates
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.size import MIN_SIZE_M
from udfs.questions.uncertainty import AMODAL_SIZE_ERROR_REL, height_error, width_error
from udfs.questions.unit import METERS


def _width(a: SeenObject, _gates: Gates, _settings: SynthesizeSettings) -> Decided | None:
    return Decided(a, None, a.e_y, MIN_SIZE_M) if a.e_y >= MIN_SIZE_M else None


def _height(a: SeenObject, _gates: Gates, _settings: SynthesizeSettings) -> Decided | None:
    return Decided(a, None, a.height_m, MIN_SIZE_M) if a.height_m >= MIN_SIZE_M else None


def _length(a: SeenObject, _gates: Gates, _settings: SynthesizeSettings) -> Decided | None:
    return Decided(a, None, a.width_m, MIN_SIZE_M) if a.amodal and a.width_m >= MIN_SIZE_M else None


WIDTH = ObjectRule(
    name="width",
    needs=(Need.AMODAL, Need.METRIC),
    decide=_width,
    error=lambda decided, _: width_error(decided.first),
    compares="e_y >= 2 cm",
    error_is="size times ray error / r, two edges, and the noise along the measured axis; "
    "1 % of the size where the source gives the box",
)
HEIGHT = ObjectRule(
    name="height",
    needs=(Need.AMODAL, Need.METRIC, Need.GRAVITY),
    decide=_height,
    error=lambda decided, gates: height_error(decided.first, gates),
    compares="H >= 2 cm",
    error_is="that of a width, `height_sigma_m`, and the tilt of gravity times L",
)
LENGTH = ObjectRule(
    name="length",
    needs=(Need.METRIC, Need.GRAVITY),
    decide=_length,
    error=lambda decided, _: AMODAL_SIZE_ERROR_REL * decided.first.width_m,
    compares="D >= 2 cm",
    check="only where `size_source` is `amodal`: the far side is not visible",
    error_is="1 % of the size",
)

QUESTION_TYPES = (
    QuestionType(
        type_id="N08",
        name="width",
        rule=WIDTH,
        unit=METERS,
        span=spans.widths,
    ),
    QuestionType(
        type_id="N09",
        name="height",
        rule=HEIGHT,
        unit=METERS,
        span=spans.heights,
    ),
    QuestionType(
        type_id="N10",
        name="front-to-back length",
        rule=LENGTH,
        needs=(Need.AMODAL, Need.METRIC, Need.GRAVITY),
        unit=METERS,
        span=spans.depths,
    ),
)
