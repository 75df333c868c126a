"""What passes between, goes under, goes into and can be reached, by the exact boxes and points of the things."""

from collections.abc import Callable

import numpy as np

from scenes.truth.measure import Box, ExactScene, polygon_distance
from scenes.truth.verdict import Oracle, Row, Verdict, number_verdict

_IN_ROUND = 0.7  # a round container holds a square 0.7 times as wide


def _box(scene: ExactScene, number: int) -> Box:
    box = scene.objects[number].box
    if box is None:
        raise ValueError(f"Object {number} has no box; affordances are judged on crawls with boxes.")
    return box


def _gap(row: Row, scene: ExactScene) -> float:
    one, two = (_box(scene, number) for number in row["object_ids"])
    return polygon_distance(one.foot, two.foot)


def _at_least(has_m: Callable[[Row, ExactScene], float]) -> Oracle:
    """Return the oracle of whether what there is is at least what the question states."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        truth = has_m(row, scene) >= row["asked_m"]
        return Verdict(row["answer_bool"] == truth, truth)

    return judge


def _at_most(distance_m: Callable[[Row, ExactScene], float]) -> Oracle:
    """Return the oracle of whether a distance is at most the reach that the question states."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        truth = distance_m(row, scene) <= row["asked_m"]
        return Verdict(row["answer_bool"] == truth, truth)

    return judge


def _fits_in(row: Row, scene: ExactScene) -> Verdict:
    small, large = (np.sort(_box(scene, number).size[2:]) for number in row["object_ids"])
    truth = bool(np.all(small <= _IN_ROUND * large))
    return Verdict(row["answer_bool"] == truth, truth)


def _under(row: Row, scene: ExactScene) -> Verdict:
    above, *below = (_box(scene, number) for number in row["object_ids"])
    height_m = below[0].size[2] if below else row["asked_m"]
    truth = bool(height_m <= above.bottom)
    return Verdict(row["answer_bool"] == truth, truth)


def _widest(row: Row, scene: ExactScene) -> Verdict:
    return number_verdict(row, _gap(row, scene))


def _range(row: Row, scene: ExactScene) -> float:
    return scene.objects[row["object_ids"][0]].range


def _centers(row: Row, scene: ExactScene) -> float:
    a, b = (scene.objects[number].center for number in row["object_ids"])
    return float(np.linalg.norm(a - b))


ORACLES = {
    "F01": _at_least(_gap),
    "F02": _widest,
    "F04": _fits_in,
    "F05": _under,
    "F10": _at_most(_range),
    "F14": _at_most(_centers),
}
