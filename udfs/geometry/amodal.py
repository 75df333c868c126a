"""Completes the box of an object whose far side is hidden by itself."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.boxes import YawBox, convex_hull, yaw_box
from udfs.geometry.quantiles import quantiles

Array = NDArray[np.float64]
_MIN_POINTS = 30
_BASE_M, _BASE_SHARE = 0.008, 0.06
_TRIM = 0.01
_BINS, _MIN_BINS, _MIN_IN_BIN = 14, 6, 4
_FRONT = 0.08
_INNER = 0.85  # of the half width, within which a round front is compared with a circle
_ROUND = 0.08  # largest spread of a circle's center, in radii
_LIMB = 0.04
_MIN_SHIFT = 0.04
_HALF, _HALF_SLACK = 0.5, 0.1


@dataclass(frozen=True)
class Body:
    """The rectangle of a whole object; `as_deep_as_wide` says that its outline shows its depth, too.

    That holds for a round front, and for one whose sides lie half its width behind it.
    """

    box: YawBox
    as_deep_as_wide: bool


def body_of(points_w: Array, box: YawBox, base_m: float, high_m: float) -> Body:
    """Return the rectangle of a whole object in W, from its visible points (n, 3) and their rectangle.

    What lies at the height of the surface `base_m` may belong to that surface and is left out. A front that is part of
    a circle is completed to the circle. Of any other body that is symmetric, the outermost points to the left and to
    the right lie as far as its center, which the visible points alone would put too near.
    """
    body = points_w[points_w[:, 2] > base_m + max(_BASE_M, _BASE_SHARE * (high_m - base_m)), :2]
    if len(body) < max(_MIN_POINTS, len(points_w) // 4):
        return Body(box, False)
    away = body.mean(axis=0)
    away = away / max(float(np.hypot(*away)), 1e-9)
    aside = np.array([-away[1], away[0]])
    depth, side = body @ away, body @ aside
    near, far = quantiles(depth, (_TRIM, 1 - _TRIM))
    left, right = quantiles(side, (_TRIM, 1 - _TRIM))
    inside = (depth >= near) & (depth <= far) & (side >= left) & (side <= right)
    seen = yaw_box(convex_hull(body[inside])) if np.count_nonzero(inside) >= 3 else box
    radius, middle = (right - left) / 2, (left + right) / 2
    center = _round_center(depth, (side - middle) / max(radius, 1e-9), radius)
    if center is not None:
        place = center * away + middle * aside
        return Body(YawBox(float(place[0]), float(place[1]), 2 * radius, 2 * radius, seen.yaw_rad), True)
    limb = (
        np.median(depth[side <= left + _LIMB * 2 * radius]) + np.median(depth[side >= right - _LIMB * 2 * radius])
    ) / 2
    hidden = limb - float(np.array([seen.x_m, seen.y_m]) @ away)
    deep = abs(limb - near - _HALF * 2 * radius) <= _HALF_SLACK * 2 * radius
    if hidden <= _MIN_SHIFT * 2 * radius:
        return Body(seen, deep)
    place = limb * away + middle * aside
    sides = sorted((2 * radius, 2 * (limb - near)))
    turned = float(np.arctan2(*(away if sides[1] > 2 * radius else aside)[::-1]))
    yaw = (turned + np.pi / 2) % np.pi - np.pi / 2
    whole = replace(seen, x_m=float(place[0]), y_m=float(place[1]), long_m=sides[1], short_m=sides[0], yaw_rad=yaw)
    return Body(whole, deep)


def _median(values: Array) -> float:
    return quantiles(values, (0.5,))[0]


def _round_center(depth: Array, side: Array, radius: float) -> float | None:
    """Return how far the axis of a round front lies, m; None if it is not round. `side` is in radii from the middle."""
    place = ((side / _INNER + 1) * (_BINS / 2)).astype(int)
    order = np.lexsort((depth, place))
    edges = np.searchsorted(place[order], np.arange(_BINS + 1))
    starts, counts = edges[:-1], np.diff(edges)
    full = counts >= _MIN_IN_BIN
    if np.count_nonzero(full) < _MIN_BINS:
        return None
    front = depth[order[starts[full] + (_FRONT * counts[full]).astype(int)]]
    at = ((np.arange(_BINS)[full] + 0.5) / (_BINS / 2) - 1) * _INNER
    centers = front + radius * np.sqrt(1 - at * at)
    return float(np.sort(centers)[len(centers) // 2]) if centers.std() <= _ROUND * radius else None
