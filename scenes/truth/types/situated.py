"""Where a thing is for somebody who stands at one object and faces another: side, quarter, hour, degrees to turn."""

import math

import numpy as np

from scenes.truth.measure import ExactScene
from scenes.truth.verdict import Row, Verdict, number_verdict


def _left_rad(row: Row, scene: ExactScene) -> float:
    """Return the signed angle to the left, in (-pi, pi], from what is faced to the object asked about."""
    p, q, r = (scene.objects[one].center[:2] for one in row["object_ids"])
    ahead, to = q - p, r - p
    return math.atan2(float(ahead[0] * to[1] - ahead[1] * to[0]), float(ahead @ to))


def _side(row: Row, scene: ExactScene) -> Verdict:
    degrees = math.degrees(_left_rad(row, scene))
    truth = "behind" if abs(degrees) > 135 else "left" if degrees > 0 else "right"
    return Verdict(row["side"] == truth, truth)


def _quadrant(row: Row, scene: ExactScene) -> Verdict:
    angle = _left_rad(row, scene)
    truth = f"{'front' if math.cos(angle) > 0 else 'back'}-{'left' if math.sin(angle) > 0 else 'right'}"
    return Verdict(row["side"] == truth, truth)


def _hour(left_rad: float) -> str:
    return f"{int(((-math.degrees(left_rad) + 15) % 360) // 30) or 12} o'clock"


def _clock(row: Row, scene: ExactScene) -> Verdict:
    truth = _hour(_left_rad(row, scene))
    return Verdict(row["side"] == truth, truth)


def _viewer_clock(row: Row, scene: ExactScene) -> Verdict:
    a, b = (scene.objects[one].center for one in row["object_ids"])
    to = np.asarray(b - a)
    truth = _hour(math.atan2(float(to[1]), float(to[0])))
    return Verdict(row["side"] == truth, truth)


def _clockwise(row: Row, scene: ExactScene) -> Verdict:
    return number_verdict(row, -_left_rad(row, scene) % math.tau)


def _turn(row: Row, scene: ExactScene) -> Verdict:
    angle = _left_rad(row, scene)
    return number_verdict(row, abs(angle), row["side"] == ("left" if angle > 0 else "right"))


ORACLES = {
    "R03": _side,
    "R04": _quadrant,
    "R05": _viewer_clock,
    "R06": _clockwise,
    "R10": _clock,
    "R11": _turn,
}
