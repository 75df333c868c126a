"""Tells which points of a view other views confirm.

A flying pixel lies between a thing and what is behind it. Where another view measures both beside each other, it spans
the place without having measured anything there; what counts is therefore the nearest single depth.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.posed_view import PosedView

Array = NDArray[np.float64]
_AGREE_M, _SIGMAS = 0.02, 2.0
_MIN_CONFIRMING = 0.5
# Of scan lines, the nearest measured pixel lies farther away than a neighbor.
_DENSE, _REACH = 0.3, 0.25


def confirmed(points: Array, view: int, own: Mapping[int, int], views: Sequence[PosedView]) -> NDArray[np.bool_]:
    """Return which points (n, 3) of the world at least half of the other views measure that see their place.

    The points are those of a thing in one view; `own` holds its id in every view that shows it. Others see past the
    place, or measure something else there: bleeding masks and flying pixels. What no other view sees is kept.
    """
    yes, no = np.zeros(len(points), int), np.zeros(len(points), int)
    for number, other in enumerate(views):
        if number != view:
            sees, measures = _measured(other, points, own.get(number), views[view].sigma_rel)
            yes += sees & measures
            no += sees & ~measures
    return yes >= _MIN_CONFIRMING * (yes + no)


def _measured(
    view: PosedView, points: Array, object_id: int | None, sigma_rel: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which points a view sees the place of, and at which it measures the object."""
    pixels, z_m, inside = view.projected(points)
    sees, measures = np.zeros(len(points), bool), np.zeros(len(points), bool)
    at = np.flatnonzero(inside)
    v, u = _around(np.rint(pixels[at]).astype(int), view)
    depth_m, away_m = view.depth.z_m[v, u].astype(np.float64), z_m[at, None]
    near = np.maximum(_AGREE_M, _SIGMAS * np.hypot(sigma_rel, view.sigma_rel) * away_m)
    known = depth_m > 0
    sees[at] = (known & (away_m - depth_m.max(axis=1, keepdims=True) <= near)).any(axis=1)
    if object_id is not None:
        there = known & (np.abs(depth_m - away_m) <= near) & (view.labels[v, u] == object_id)
        measures[at] = there.any(axis=1)
    return sees, measures


def _around(pixels: NDArray[np.int64], view: PosedView) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns (n, k) of the pixels (n, 2) and their neighbors; beyond the border, those on it."""
    share = view.depth.valid_share
    reach = 1 if share >= _DENSE else int(np.ceil(_REACH / max(share, 1e-3)))
    height, width = view.labels.shape
    steps = np.arange(-reach, reach + 1)
    down, right = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
    return np.clip(pixels[:, 1:] + down, 0, height - 1), np.clip(pixels[:, :1] + right, 0, width - 1)
