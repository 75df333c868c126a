"""The outline of a room from above, from what all frames show of floor, walls and ceiling."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.posed_view import PosedView

Array = NDArray[np.float64]
_CELL_M = 0.05
_COLUMNS = 96
_BRIDGE_M = 0.75
_WALL_M, _WALL_CELLS = 0.6, 3
_MIN_SAMPLES = 200
_MAX_SIDE_M = 40.0


@dataclass(frozen=True)
class RoomOutline:
    """The area of a room's floor, m2, the length of its outline, m, and the share of it at which walls are seen."""

    area_m2: float
    outline_m: float
    walled: float


def room_outline(views: Sequence[PosedView], rotation: Array, offset: Array) -> RoomOutline | None:
    """Return the outline of what belongs to no object, seen from above in F; None where there is too little of it.

    Gaps of up to 1.5 m are closed, as behind a wardrobe: this is the alpha shape with that diameter, on a grid of 5 cm.
    """
    points = np.concatenate([_background(view) @ rotation.T + offset for view in views])
    if len(points) < _MIN_SAMPLES or (np.ptp(points[:, :2], axis=0) > _MAX_SIDE_M).any():
        return None
    margin = int(np.ceil(_BRIDGE_M / _CELL_M)) + 2
    cells = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / _CELL_M).astype(int) + margin
    shape = tuple(int(size) + margin + 1 for size in cells.max(axis=0))
    taken = np.zeros(shape, np.uint8)
    taken[cells[:, 0], cells[:, 1]] = 1
    reach = 2 * int(_BRIDGE_M / _CELL_M) + 1
    filled = cv2.morphologyEx(taken, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    contours, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    # The contour runs through the middle of the outermost cells, where the walls are.
    area_m2 = float(cv2.contourArea(largest)) * _CELL_M**2
    walls = cv2.dilate(_walls(points, cells, shape), np.ones((2 * _WALL_CELLS + 1,) * 2, np.uint8))
    across, down = (largest[:, 0, axis].astype(int) for axis in (0, 1))
    walled = float(np.mean(walls[down, across] > 0))
    return RoomOutline(area_m2, float(cv2.arcLength(largest, True)) * _CELL_M, walled)


def _walls(points: Array, cells: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the cells in which points lie one above the other over more than a part of a wall's height."""
    flat = cells[:, 0] * shape[1] + cells[:, 1]
    low, high = np.full(shape[0] * shape[1], np.inf), np.full(shape[0] * shape[1], -np.inf)
    np.minimum.at(low, flat, points[:, 2])
    np.maximum.at(high, flat, points[:, 2])
    return (high - low > _WALL_M).reshape(shape).astype(np.uint8)


def _background(view: PosedView) -> Array:
    """Return a grid of points (n, 3) of the world that belong to no object and lie at no edge."""
    v, u = view.grid(_COLUMNS)
    z_m = view.depth.z_m[v, u].astype(np.float64)
    free = (view.labels[v, u] < 0) & (view.nearest_m[v, u] > 0)
    free &= view.farthest_m[v, u] - view.nearest_m[v, u] <= 0.1 * z_m
    return view.to_world(view.depth.camera.unproject(u[free].astype(float), v[free].astype(float), z_m[free]))
