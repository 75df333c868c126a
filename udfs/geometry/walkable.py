"""The floor that one can walk on, seen from above, and the shortest ways over it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from udfs.geometry.posed_view import PosedView

Array = NDArray[np.float64]
CELL_M = 0.1
CLEARANCE_M = 0.25  # half the width of who walks
_COLUMNS = 160
_MAX_SIDE_M = 40.0
_FLOOR_M, _SIGMAS = 0.04, 2.0
_HEADROOM_M = 1.9
_EDGE_REL = 0.1
_STEP_M = 0.02
_AHEAD = ((0, 1), (1, 0), (1, 1), (1, -1))  # the other four neighbors are the same ways back


@dataclass(frozen=True, eq=False)
class Walkable:
    """Cells (n, m) of 10 cm over the floor of F.

    `corner` [2] is that of the first cell, m, and `away_m` (n, m) how far the center of a cell is from the nearest one
    that is not seen to be bare floor.
    """

    corner: Array
    away_m: Array

    def is_free(self, places: Array, clearance_m: float = CLEARANCE_M) -> NDArray[np.bool_]:
        """Return at which places (n, 2) of F somebody of this half width stands on bare floor."""
        cells = self._cells(places)
        inside = np.all((cells >= 0) & (cells < self.away_m.shape), axis=1)
        at = np.where(inside[:, None], cells, 0)
        return inside & (self.away_m[at[:, 0], at[:, 1]] >= clearance_m)

    def is_clear(self, start: Array, end: Array, clearance_m: float = CLEARANCE_M) -> bool:
        """Return whether one can go straight from one place [2] to another."""
        steps = max(2, int(np.ceil(float(np.linalg.norm(end - start)) / _STEP_M)))
        return bool(self.is_free(start + np.linspace(0.0, 1.0, steps)[:, None] * (end - start), clearance_m).all())

    def ways(self, start: Array, goals: Sequence[shapely.Geometry], reach_m: float) -> list[Array | None]:
        """Return the shortest way (k, 2) from a place [2] to within reach of each outline; None where there is none.

        A way begins at the place itself and turns only where it has to.
        """
        free = self.away_m >= CLEARANCE_M
        if not self.is_free(start[None])[0]:
            return [None] * len(goals)
        flat = np.flatnonzero(free)
        centers = self.corner + (np.stack(np.unravel_index(flat, free.shape), axis=1) + 0.5) * CELL_M
        first = int(np.searchsorted(flat, np.ravel_multi_index(tuple(self._cells(start[None])[0]), free.shape)))
        far_m, before = dijkstra(_graph(free), indices=first, return_predecessors=True)
        points = shapely.points(centers)
        ways: list[Array | None] = []
        for goal in goals:
            there = np.where(shapely.distance(points, goal) <= reach_m, far_m, np.inf)
            last = int(np.argmin(there))
            ways.append(self._straightened(start, centers[_chain(before, last)]) if there[last] < np.inf else None)
        return ways

    def _straightened(self, start: Array, way: Array) -> Array:
        places = np.vstack([start, way[1:]])
        kept = [0]
        while kept[-1] < len(places) - 1:
            later = range(len(places) - 1, kept[-1], -1)
            clear = (k for k in later if self.is_clear(places[kept[-1]], places[k]))
            kept.append(next(clear, kept[-1] + 1))
        return places[kept]

    def _cells(self, places: Array) -> NDArray[np.int64]:
        return np.floor((places - self.corner) / CELL_M).astype(np.int64)


def walkable(views: Sequence[PosedView], rotation: Array, offset: Array) -> Walkable | None:
    """Return the floor of F that all frames show together; None where they show none, or more than a building.

    Bare floor is what a frame measures within 4 cm, or two standard errors, of height 0, where no frame measures
    anything higher, up to 1.9 m. What no frame shows is no floor.
    """
    found = [_measured(view, rotation, offset) for view in views]
    points, slack_m, at_edge = (np.concatenate(part) for part in zip(*found, strict=True))
    low = (np.abs(points[:, 2]) <= slack_m) & ~at_edge
    high = (points[:, 2] > slack_m) & (points[:, 2] <= _HEADROOM_M)
    if not low.any() or (np.ptp(points[low, :2], axis=0) > _MAX_SIDE_M).any():
        return None
    corner = points[low, :2].min(axis=0) - CELL_M
    shape = tuple(int(size) + 2 for size in (points[low, :2].max(axis=0) - corner) / CELL_M)
    floor = cv2.morphologyEx(_marked(points[low], corner, shape), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    bare = (floor > 0) & (_marked(points[high], corner, shape) == 0)
    away = cv2.distanceTransform(bare.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return Walkable(corner, away.astype(np.float64) * CELL_M)


def _measured(view: PosedView, rotation: Array, offset: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return a grid of measured points (n, 3) of F, how far off each may be, m, and which lie at an edge of depth."""
    v, u = view.grid(_COLUMNS)
    known = view.depth.z_m[v, u] > 0
    v, u = v[known], u[known]
    z_m = view.depth.z_m[v, u].astype(np.float64)
    near_m, far_m = view.nearest_m[v, u], view.farthest_m[v, u]
    at_edge = (near_m <= 0) | (far_m - near_m > _EDGE_REL * z_m)
    points_c = view.depth.camera.unproject(u.astype(float), v.astype(float), z_m)
    slack_m = np.maximum(_FLOOR_M, _SIGMAS * view.sigma_rel * np.linalg.norm(points_c, axis=1))
    return view.to_world(points_c) @ rotation.T + offset, slack_m, at_edge


def _marked(points: Array, corner: Array, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    cells = np.floor((points[:, :2] - corner) / CELL_M).astype(np.int64)
    cells = cells[((cells >= 0) & (cells < shape)).all(axis=1)]
    marked = np.zeros(shape, np.uint8)
    marked[cells[:, 0], cells[:, 1]] = 1
    return marked


def _graph(free: NDArray[np.bool_]) -> csr_array:
    """Return the ways between neighboring free cells, numbered in order, with their lengths in m."""
    number = np.full(free.shape, -1, np.int64)
    number[free] = np.arange(np.count_nonzero(free))
    padded = np.pad(number, 1, constant_values=-1)
    rows, columns, lengths = [], [], []
    for down, right in _AHEAD:
        other = padded[1 + down : 1 + down + free.shape[0], 1 + right : 1 + right + free.shape[1]]
        joined = (number >= 0) & (other >= 0)
        rows.append(number[joined])
        columns.append(other[joined])
        lengths.append(np.full(np.count_nonzero(joined), CELL_M * float(np.hypot(down, right))))
    one, two, far = np.concatenate(rows), np.concatenate(columns), np.concatenate(lengths)
    count = int(np.count_nonzero(free))
    both = (np.concatenate([far, far]), (np.concatenate([one, two]), np.concatenate([two, one])))
    return csr_array(coo_array(both, shape=(count, count)))


def _chain(before: NDArray[np.int32], last: int) -> list[int]:
    chain = [last]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return chain[::-1]
