"""One score per answer, for pages and for other harnesses."""

from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.numbers import RANGES, angle_error_deg, within
from vlm.evaluation.scores.places import clock_apart_h, inside, iou
from vlm.evaluation.scores.vqa import evalai_normalized, official

_WITHIN_DEG = 15.0


def success(one: Prediction) -> float:
    """Return 1 for a correct answer, 0 for a wrong or unparsed one, and VQA accuracy where humans answered.

    Correct are numbers within [0.5, 2] of the truth, angles within 15 degrees, clock directions within an hour, points
    inside, and boxes with an IoU of at least 0.5.
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
    return float(evalai_normalized(str(value)) == evalai_normalized(truth.texts[0] if truth.texts else one.item.answer))
