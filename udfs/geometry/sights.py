"""Lines of sight between objects: clear where the image shows empty space, blocked where it shows a thing between."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.view import View

Array = NDArray[Any]
_RAYS, _SAMPLES = 3, 160
_SHIFT = 0.25  # of the height, up and down from the center
_END_M = 0.03
_MIN_DISTANCE_M = 0.3
_MAX_POINTS = 1500
_THICK_M = 0.02
_EVEN = 1.5
_MIN_BLOCKED = 2
_MAX_OBJECTS = 16


def sights_of(view: View, things: Sequence[tuple[int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return SIGHT structs of the pairs of objects that the image decides; `things` are labels with OBJECT structs.

    Three lines join points of both surfaces: those nearest to the center and to a quarter of the height above and below
    it. The sight is clear if all lines pass only through what is seen to be empty, and blocked if two of them cross
    the seen surface of another object.
    """
    near = sorted(things, key=lambda thing: thing[1]["range_m"])[:_MAX_OBJECTS]
    ends = [(label, thing["object_id"], _ends(view, label, thing)) for label, thing in near]
    found = []
    for (label_a, a, from_a), (label_b, b, from_b) in combinations(sorted(ends, key=lambda end: end[1]), 2):
        if from_a is None or from_b is None or np.linalg.norm(from_a[0] - from_b[0]) < _MIN_DISTANCE_M:
            continue
        lines = [_line(view, one, two, (label_a, label_b)) for one, two in zip(from_a, from_b, strict=True)]
        clear, blocked = all(line == "clear" for line in lines), lines.count("blocked") >= _MIN_BLOCKED
        if clear or blocked:
            found.append({"a": a, "b": b, "clear": clear})
    return found


def _ends(view: View, label: int, thing: Mapping[str, Any]) -> Array | None:
    points = view.points[view.labels == label].astype(np.float64)
    points = points[np.isfinite(points[:, 2])]
    if len(points) < _RAYS:
        return None
    points = points[:: -(-len(points) // _MAX_POINTS)]
    rise = _SHIFT * (thing["hi_m"][2] - thing["lo_m"][2])
    wanted = np.asarray(thing["center_m"]) + np.array([[0.0, 0.0, 0.0], [0.0, 0.0, rise], [0.0, 0.0, -rise]])
    return points[np.argmin(np.linalg.norm(points[None] - wanted[:, None], axis=2), axis=1)]


def _line(view: View, one: Array, two: Array, own: tuple[int, int]) -> str:
    """Return whether a line is clear or blocked; empty where the image does not show it."""
    length_m = float(np.linalg.norm(two - one))
    share = np.linspace(_END_M / length_m, 1 - _END_M / length_m, _SAMPLES)
    places = one + share[:, None] * (two - one)
    shown = view.shown(places)
    tolerance_m = view.tolerance_m(np.linalg.norm(places - view.camera_m, axis=1))
    at_end = np.isin(shown.label, own) & (np.abs(shown.ahead_m) <= _THICK_M)
    if np.all(shown.inside & ((shown.ahead_m > tolerance_m) | at_end)):
        return "clear"
    step_m = length_m / _SAMPLES
    for k in range(1, _SAMPLES - 2):
        label = shown.label[k]
        if label in (*own, 0) or not (shown.ahead_m[k] > 0 > shown.ahead_m[k + 1]):
            continue
        ahead_m, fall_m = shown.ahead_m[k - 1 : k + 3], -np.diff(shown.ahead_m[k - 1 : k + 3])
        # one surface all along, that is passed at an even pace: no edge between two parts of a thing
        smooth = np.all(shown.label[k - 1 : k + 3] == label) and 0 < fall_m.max() <= _EVEN * max(fall_m.min(), 0.0)
        if smooth and fall_m.max() <= 2 * step_m and ahead_m[-1] < -tolerance_m[k]:
            return "blocked"
    return ""
