"""Scores of points, boxes and clock directions."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from shapely.geometry import Point, Polygon

from vlm.evaluation.items import Prediction, Truth
from vlm.evaluation.scores.interval import Score, mean, share

Box = tuple[float, float, float, float]


def inside(point: tuple[float, float], truth: Truth) -> bool:
    """Return whether a point, in fractions of width and height, is in the mask, or without one in the polygon or box.

    Edges count as inside. A truth without any of the three contains no point.
    """
    x, y = point
    if truth.mask is not None:
        with Image.open(io.BytesIO(truth.mask.read())) as mask:
            pixels = np.asarray(mask.convert("L"))
        height, width = pixels.shape
        if not (0 <= x <= 1 and 0 <= y <= 1):
            return False
        return bool(pixels[min(int(y * height), height - 1), min(int(x * width), width - 1)])
    if truth.polygon:
        return bool(Polygon(truth.polygon).covers(Point(x, y)))
    return truth.box is not None and truth.box[0] <= x <= truth.box[2] and truth.box[1] <= y <= truth.box[3]


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, 0 if both are empty."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    covered = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return shared / covered if covered > 0 else 0.0


def clock_apart_h(one: float, other: float) -> float:
    """Return the hours between two directions of a clock face, at most 6."""
    apart = abs(one - other) % 12
    return min(apart, 12 - apart)


def point_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield the share of answers whose first point is inside; unparsed answers count as outside."""
    yield share("point_inside", [one.parsed and inside(one.reading.value, one.item.truth) for one in predictions])


def box_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield the mean IoU and the share of IoU >= 0.5; unparsed boxes have IoU 0."""
    overlaps = [
        iou(one.reading.value, one.item.truth.box) if one.parsed and one.item.truth.box else 0.0 for one in predictions
    ]
    yield mean("iou", overlaps)
    yield share("iou>=0.5", [overlap >= 0.5 for overlap in overlaps])


def clock_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield the share within one hour, and the mean error in degrees of parsed answers."""
    apart = [
        clock_apart_h(one.reading.value, one.item.truth.clock_h) if one.parsed and one.item.truth.clock_h else None
        for one in predictions
    ]
    yield share("within_1_hour", [hours is not None and hours <= 1.0 for hours in apart])
    read = [30.0 * hours for hours in apart if hours is not None]
    if read:
        yield mean("clock_error_deg", read)
