"""What a thing stands on of which every frame cuts the lower end off: the highest surface beneath it that any measured.

A single frame does not see what is below its border; the frames of a sequence together mostly do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.posed_view import PosedView

Array = NDArray[np.float64]
_COLUMNS = 160
_RESTING_M, _SIGMAS = 0.03, 2.0
_REACH_M, _MIN_POINTS = 0.3, 5
_TRIM = 0.005
_MAX_GAP = 1.5  # of the largest extent that is seen; a mug at the border of an image does not reach down to the floor
_GAP_SIGMA = 0.15  # of what is added to a thing


@dataclass(frozen=True, eq=False)
class Level:
    """What a view measures of a level plane: points (n, 3) of F, m, the object id of each (-1: none), and its kind."""

    view: int
    points: Array
    labels: NDArray[np.int64]
    is_floor: bool


@dataclass(frozen=True)
class FusedBase:
    """The height in F of what carries a thing, and its standard error, m."""

    height_m: float
    sigma_m: float


def levels_of(views: Sequence[PosedView], rotation: Array, offset: Array) -> list[Level]:
    """Return every level plane of every view that knows gravity."""
    levels = []
    for number, view in enumerate(views):
        if view.up is None:
            continue
        v, u = view.grid(_COLUMNS)
        z_m = view.depth.z_m[v, u].astype(np.float64)
        points_c = view.depth.camera.unproject(u.astype(float), v.astype(float), z_m)
        lifted = np.asarray(view.scene["world_from_camera"], np.float64).reshape(3, 4)
        heights = points_c @ lifted[2, :3] + lifted[2, 3]
        slack_m = np.maximum(_RESTING_M, _SIGMAS * view.sigma_rel * np.linalg.norm(points_c, axis=1))
        for plane in view.scene["planes"]:
            on = (z_m > 0) & (np.abs(heights - float(plane["height_m"])) <= slack_m)
            points = view.to_world(points_c[on]) @ rotation.T + offset
            levels.append(Level(number, points, view.labels[v, u][on], plane["kind"] == "floor"))
    return levels


def fused_base(points: Array, own: Mapping[int, int], levels: Sequence[Level], rests: bool) -> FusedBase | None:
    """Return what carries a thing whose lower end no view shows; None where no view knows.

    `points` (n, 3) of F are those of the thing, and `own` holds its object id in every view that shows it. A floor goes
    on where no view shows it. Where a view says that it `rests` on a plane, that holds, unless the thing is flat: then
    it is a top, and the plane is its own.
    """
    low, high = np.quantile(points, [_TRIM, 1 - _TRIM], axis=0)
    is_flat = high[2] - low[2] <= 2 * _RESTING_M
    if rests and not is_flat:
        return None
    highest_m = float(low[2]) + (-_RESTING_M if is_flat else _RESTING_M)
    found = [_height_m(level, own, low, high) for level in levels]
    beneath = [height_m for height_m in found if height_m is not None and height_m <= highest_m]
    if not beneath:
        return None
    height_m = max(beneath)
    gap_m = max(0.0, float(low[2]) - height_m)
    if gap_m > _MAX_GAP * float((high - low).max()):
        return None
    return FusedBase(height_m, _GAP_SIGMA * gap_m)


def _height_m(level: Level, own: Mapping[int, int], low: Array, high: Array) -> float | None:
    near = np.all((level.points[:, :2] >= low[:2] - _REACH_M) & (level.points[:, :2] <= high[:2] + _REACH_M), axis=1)
    if level.view in own:
        near &= level.labels != own[level.view]
    if np.count_nonzero(near) < _MIN_POINTS:
        if not level.is_floor:
            return None
        near[:] = True
    return float(np.median(level.points[near, 2])) if near.any() else None
