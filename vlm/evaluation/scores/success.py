"""One number per answer: what a page marks right or wrong, and what a harness averages."""

from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.numbers import RANGES, angle_error_deg, within
from vlm.evaluation.scores.places import clock_apart_h, inside, iou
from vlm.evaluation.scores.vqa import evalai_normalised, official

_WITHIN_DEG = 15.0


def success(one: Prediction) -> float:
    """Return 1 for a right answer, 0 for a wrong or unreadable one, and VQA accuracy for answers of several humans.

    Right is: a number in [0.5, 2] of the truth, an angle within 15 degrees, a clock direction within an hour, a point
    inside, a box with an IoU of at least a half.
    """
    if not one.parsed:
        return 0.0
    value, truth, kind = one.reading.value, one.item.truth, one.item.kind
    if kind in (Kind.BOOL, Kind.CHOICE):
        return float(is_right(one))
    if kind == Kind.NUMBER and truth.value_si is not None:
        if truth.unit_si == "rad":
            return float(angle_error_deg(one) <= _WITHIN_DEG)
        return float(within(value, truth.value_si, *RANGES["in_range[0.5,2]"]))
    if kind == Kind.CLOCK and truth.clock_h is not None:
        return float(clock_apart_h(value, truth.clock_h) <= 1.0)
    if kind == Kind.POINT:
        return float(inside(value, truth))
    if kind == Kind.BOX and truth.box is not None:
        return float(iou(value, truth.box) >= 0.5)
    if len(truth.texts) > 1:
        return official(value, truth.texts)
    return float(evalai_normalised(str(value)) == evalai_normalised(truth.texts[0] if truth.texts else one.item.answer))
