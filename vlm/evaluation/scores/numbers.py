"""Scores of numbers: shares over all answers, errors over the parsed ones."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vlm.evaluation.items import Prediction
from vlm.evaluation.scores.interval import Score, bootstrapped, mean, median, share

# Keeps answers on a bound, such as 2 feet for 1 foot, inside it despite rounding in the conversion to meters.
TOLERANCE = 1e-9
RANGES = {"in_range[0.5,2]": (0.5, 2.0), "in_range[2/3,1.5]": (2 / 3, 1.5), "in_range[0.9,1.1]": (0.9, 1.1)}
WITHIN_25 = (0.75, 1.25)
MRA_THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
DISTANCE_EDGES_M = (0.0, 1.0, 3.0, 10.0, math.inf)


def within(value: float, truth: float, low: float, high: float) -> bool:
    """Return whether low * truth <= value <= high * truth, both bounds included."""
    slack = TOLERANCE * abs(truth)
    return low * truth - slack <= value <= high * truth + slack


def ratio_success(value: float, truth: float) -> bool:
    """Return whether max(value / truth, truth / value) < 2, without the bound."""
    return value > 0 and truth > 0 and max(value / truth, truth / value) < 2.0 - TOLERANCE


def relative_accuracy(value: float, truth: float) -> float:
    """Return the fraction of the thresholds t = 0.50, 0.55 .. 0.95 with abs(value - truth) / truth <= 1 - t."""
    error = abs(value - truth) / truth
    return sum(error <= 1.0 - threshold + TOLERANCE for threshold in MRA_THRESHOLDS) / len(MRA_THRESHOLDS)


def number_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield the scores of lengths, areas, ratios and counts; `predictions` must not be empty."""
    pairs = [(one.reading.value, _truth(one)) for one in predictions]
    yield share("number_rate", [value is not None for value, _ in pairs])
    for name, (low, high) in RANGES.items():
        yield share(name, [value is not None and within(value, truth, low, high) for value, truth in pairs])
    yield share("ratio_success", [value is not None and ratio_success(value, truth) for value, truth in pairs])
    yield share("within_25", [value is not None and within(value, truth, *WITHIN_25) for value, truth in pairs])
    yield mean("MRA", [0.0 if value is None else relative_accuracy(value, truth) for value, truth in pairs])
    read = np.array([(value, truth) for value, truth in pairs if value is not None], float).reshape(-1, 2)
    if len(read):
        errors = np.abs(read[:, 0] - read[:, 1]) / read[:, 1]
        yield mean("abs_rel", errors)
        yield median("median_abs_rel", errors)
    positive = read[read[:, 0] > 0]
    if len(positive):
        yield mean("bias_ln", np.log(positive[:, 0] / positive[:, 1]))
    yield from _rmse_by_distance(predictions)
    yield from _sides(predictions)


def angle_scores(predictions: Sequence[Prediction]) -> Iterator[Score]:
    """Yield the scores of directions in degrees, and of sides for items that have one."""
    yield share("number_rate", [one.parsed for one in predictions])
    errors = [angle_error_deg(one) for one in predictions if one.parsed]
    if errors:
        yield mean("degrees_error", errors)
        yield median("median_degrees_error", errors)
    yield from _sides(predictions)


def distance_bin(distance_m: float) -> str:
    """Return the bin of a distance, upper edges included: "0-1 m" .. "10+ m"."""
    for low, high in pairwise(DISTANCE_EDGES_M):
        if distance_m <= high:
            return f"{low:g}+ m" if high == math.inf else f"{low:g}-{high:g} m"
    raise ValueError(f"{distance_m} m is not a distance.")


def distance_of(prediction: Prediction) -> float | None:
    """Return the distance that an item is binned by: that of its objects, or the true length."""
    item = prediction.item
    if item.distance_m is not None:
        return item.distance_m
    return item.truth.value_si if item.truth.unit_si == "m" else None


def _rmse_by_distance(predictions: Sequence[Prediction]) -> Iterator[Score]:
    squares: dict[str, list[float]] = {}
    for one in predictions:
        distance = distance_of(one)
        if one.parsed and distance is not None and one.item.truth.unit_si == "m":
            squares.setdefault(distance_bin(distance), []).append((one.reading.value - _truth(one)) ** 2)
    edges = [distance_bin(edge) for edge in (1.0, 3.0, 10.0, 11.0)]
    for name in edges:
        if name in squares:
            yield bootstrapped(f"rmse_m {name}", _root_mean, np.array(squares[name]))


def _root_mean(squares: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.sqrt(np.mean(squares, axis=axis))


def _sides(predictions: Sequence[Prediction]) -> Iterator[Score]:
    sided = [one for one in predictions if one.item.truth.side is not None]
    if sided:
        yield share("side", [one.reading.side == one.item.truth.side for one in sided])


def angle_error_deg(one: Prediction) -> float:
    """Return the error of an angle in degrees; on the wrong side, the sum of both angles."""
    value, truth = one.reading.value, _truth(one)
    if one.item.truth.side is not None and one.reading.side not in (None, one.item.truth.side):
        value = -value
    apart = math.degrees(value - truth)
    return abs((apart + 180.0) % 360.0 - 180.0)


def _truth(one: Prediction) -> float:
    value = one.item.truth.value_si
    if value is None:
        raise ValueError(f"Item {one.item.item_id} is a number without a true value.")
    return value
