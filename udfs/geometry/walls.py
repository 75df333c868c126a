"""Walls and doorways: the vertical planes that bound a scene, and where one sees through them down to the floor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.surface_grid import SurfaceGrid
from udfs.geometry.view import View

Array = NDArray[Any]
_UPRIGHT = 0.12  # largest vertical part of a wall's normal
_TURN_RAD = np.deg2rad(6.0)
_BIN_M, _THICK_M, _THICK_REL = 0.05, 0.02, 0.006
_MIN_PATCHES, _MIN_LENGTH_M, _MIN_HEIGHT_M = 40, 0.6, 0.4
_MAX_WALLS = 6
_BEYOND_M, _BEYOND_REL, _MAX_BEYOND = 0.06, 0.02, 0.005
_STEP_M = 0.01
_KNEE_M, _HEAD_M = 0.1, 1.7  # a doorway is open between these heights
_MIN_WIDTH_M, _MAX_WIDTH_M = 0.4, 3.0
_MIN_ROWS, _AGREE_M = 20, 0.03
_MAX_PART = 0.2
_EDGE_ROWS, _EDGE_STEPS_M, _EDGE_JUMP_M = 24, tuple(0.03 * k for k in range(1, 31)), 0.5
_CLEAR_RAD = np.deg2rad(35.0)


@dataclass(frozen=True)
class Wall:
    """A vertical plane: n . p + offset = 0 in W with the unit normal `n` (2,) toward the camera, m.

    `start_m` to `end_m` is what is seen of it along the direction `along`; `patches` are its indices in the grid.
    """

    normal: Array
    offset_m: float
    start_m: float
    end_m: float
    patches: Array
    residual_m: float

    @property
    def along(self) -> Array:
        """Return the horizontal direction of the wall, to the right as seen from the room."""
        return np.array([self.normal[1], -self.normal[0]])

    @property
    def camera_m(self) -> float:
        """Return the distance of the camera, m."""
        return self.offset_m

    def places(self, along_m: Array, height_m: Array) -> Array:
        """Return points (n, 3) of the wall in W."""
        flat = -self.offset_m * self.normal + np.multiply.outer(along_m, self.along)
        return np.column_stack([flat, height_m])

    def before_m(self, points: Array) -> Array:
        """Return how far points (n, 2 or 3) in W lie before the wall, m; negative beyond it."""
        return points[:, :2] @ self.normal + self.offset_m


@dataclass(frozen=True)
class Doorway:
    """An opening of a wall down to the floor, from `start_m` to `end_m` along it."""

    start_m: float
    end_m: float
    spread_m: float

    @property
    def width_m(self) -> float:
        """Return the clear width, m."""
        return self.end_m - self.start_m


def walls_of(view: View, grid: SurfaceGrid) -> list[tuple[Wall, list[Doorway]]]:
    """Return the walls with their doorways: planes of no object, beyond which nothing is seen but through doorways."""
    points, normals = view.frame.points(grid.points), grid.normals @ view.frame.rotation.T
    shown = view.shown(points)
    upright = grid.oriented & (np.abs(normals[:, 2]) <= _UPRIGHT) & shown.inside & (shown.label == 0)
    planes = _planes(points, normals, upright)
    cloud = view.frame.points(grid.cloud)
    found = [(wall, doorways_of(view, wall)) for wall in planes]
    kept = []
    for wall, doorways in found:
        own, others = points[wall.patches], [other for other, _ in found if other is not wall]
        beyond_another = any(np.mean(other.before_m(own) < -_BEYOND_M) > _MAX_PART for other in others)
        if not beyond_another and not _is_framed(wall, own, view) and _bounds(wall, doorways, cloud):
            kept.append((wall, doorways))
    return kept


def name_of(wall: Wall) -> str | None:
    """Return how the viewer calls a wall by its direction, None in between."""
    outward = float(np.arctan2(-wall.normal[1], -wall.normal[0]))
    if abs(outward) <= _CLEAR_RAD:
        return "the back wall"
    if abs(abs(outward) - np.pi / 2) <= np.pi / 2 - _CLEAR_RAD - np.deg2rad(10.0):
        return "the left wall" if outward > 0 else "the right wall"
    return None


def doorways_of(view: View, wall: Wall) -> list[Doorway]:
    """Return the doorways of a wall: runs between two parts of it, through which one sees beyond it at all heights.

    Above the floor only, since a threshold or a carpet may cover the wall's foot.
    """
    if view.frame.camera_height_m <= 0:
        return []
    along_m = np.arange(wall.start_m, wall.end_m, _STEP_M)
    heights_m = np.arange(_KNEE_M, _HEAD_M, 2 * _STEP_M)
    if len(along_m) < 3:
        return []
    runs: list[tuple[float, float]] = []
    for height_m in heights_m:
        places = wall.places(along_m, np.full(len(along_m), height_m))
        shown = view.shown(places)
        before_m = wall.before_m(shown.point)
        tolerance_m = view.tolerance_m(np.linalg.norm(places - view.camera_m, axis=1))
        solid = shown.inside & (np.abs(before_m) <= tolerance_m) & (shown.label == 0)
        through = shown.inside & (before_m < -tolerance_m)
        runs += _runs(along_m, solid, through)
    return _agreeing(runs)


def _runs(along_m: Array, solid: Array, through: Array) -> list[tuple[float, float]]:
    """Return the open runs of one height that have the wall right beside both ends."""
    change = np.diff(np.concatenate([[0], through.astype(np.int8), [0]]))
    found = []
    for start, stop in zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1), strict=True):
        bounded = solid[max(0, start - 2) : start].any() and solid[stop : stop + 2].any()
        width_m = (stop - start) * _STEP_M
        if bounded and _MIN_WIDTH_M <= width_m <= _MAX_WIDTH_M:
            found.append((float(along_m[start]) - _STEP_M / 2, float(along_m[stop - 1]) + _STEP_M / 2))
    return found


def _agreeing(runs: list[tuple[float, float]]) -> list[Doorway]:
    doorways = []
    left = sorted(runs)
    while len(left) >= _MIN_ROWS:
        first = left[0]
        same = [
            run for run in left if abs(run[0] - first[0]) <= 2 * _AGREE_M and abs(run[1] - first[1]) <= 2 * _AGREE_M
        ]
        left = [run for run in left if run not in same]
        edges = np.asarray(same)
        if len(same) >= _MIN_ROWS:
            start, end = np.median(edges, axis=0)
            spread_m = float(np.abs(edges - [start, end]).mean())
            doorways.append(Doorway(float(start), float(end), spread_m))
    return doorways


def _planes(points: Array, normals: Array, free: Array) -> list[Wall]:
    walls: list[Wall] = []
    azimuth = np.arctan2(normals[:, 1], normals[:, 0])
    free = free.copy()
    for _ in range(_MAX_WALLS):
        if np.count_nonzero(free) < _MIN_PATCHES:
            break
        counts, edges = np.histogram(azimuth[free], bins=72, range=(-np.pi, np.pi))
        window = counts + np.roll(counts, 1) + np.roll(counts, -1)
        middle = edges[int(np.argmax(window))] + np.pi / 72
        turn = np.abs((azimuth - middle + np.pi) % (2 * np.pi) - np.pi)
        alike = free & (turn <= 2 * _TURN_RAD)
        chosen = _densest(points, alike, middle)
        free &= ~chosen
        wall = _fitted(points, chosen)
        if wall is not None:
            free[wall.patches] = False
            walls.append(wall)
    return walls


def _densest(points: Array, alike: Array, azimuth_rad: float) -> Array:
    offsets = points[:, :2] @ np.array([np.cos(azimuth_rad), np.sin(azimuth_rad)])
    low, high = offsets[alike].min() - _BIN_M, offsets[alike].max() + 2 * _BIN_M
    counts, edges = np.histogram(offsets[alike], bins=np.arange(low, high + _BIN_M, _BIN_M))
    window = np.convolve(counts, np.ones(5), mode="same")
    middle = edges[int(np.argmax(window))] + _BIN_M / 2
    return alike & (np.abs(offsets - middle) <= 3 * _BIN_M)


def _fitted(points: Array, chosen: Array) -> Wall | None:
    own = np.flatnonzero(chosen)
    for _ in range(4):
        if len(own) < _MIN_PATCHES:
            return None
        flat = points[own, :2]
        center = flat.mean(axis=0)
        normal = np.linalg.svd(flat - center, full_matrices=False)[2][1]
        offset_m = -float(center @ normal)
        if offset_m < 0:
            normal, offset_m = -normal, -offset_m
        away_m = points[:, :2] @ normal + offset_m
        limit_m = np.maximum(_THICK_M, _THICK_REL * np.linalg.norm(points, axis=1))
        own = np.flatnonzero(chosen & (np.abs(away_m) <= limit_m))
    along = points[own, :2] @ np.array([normal[1], -normal[0]])
    height_m = float(np.ptp(points[own, 2]))
    if len(own) < _MIN_PATCHES or float(np.ptp(along)) < _MIN_LENGTH_M or height_m < _MIN_HEIGHT_M:
        return None
    residual_m = float(np.sqrt(np.mean(away_m[own] ** 2)))
    return Wall(normal, offset_m, float(along.min()), float(along.max()), own, residual_m)


def _through(wall: Wall, doorways: list[Doorway], points: Array) -> Array:
    """Return which points (n, 3) lie beyond a wall on a line of sight through one of its doorways."""
    before_m, camera_m = wall.before_m(points), wall.camera_m
    share = camera_m / np.maximum(camera_m - before_m, 1e-9)
    crossing = (points[:, :2] * share[:, None]) @ wall.along
    inside = np.zeros(len(points), bool)
    for doorway in doorways:
        inside |= (crossing > doorway.start_m - _AGREE_M) & (crossing < doorway.end_m + _AGREE_M)
    return inside & (before_m < 0)


def _is_framed(wall: Wall, own: Array, view: View) -> bool:
    """Return whether what is seen of a wall ends at a nearer surface of no object, as behind an opening.

    From the outermost patches at each height, one goes on along the wall until it is left.
    """
    heights_m = np.linspace(own[:, 2].min(), own[:, 2].max(), _EDGE_ROWS)
    along_m, row = own[:, :2] @ wall.along, np.digitize(own[:, 2], heights_m)
    for sign in (-1.0, 1.0):
        # the ends are those at each height, since other things may hide more of the wall lower down
        ends = np.array([(sign * np.max(sign * along_m[row == k]), heights_m[k - 1]) for k in np.unique(row)])
        left = np.zeros(len(ends), np.int64)
        nearer = np.zeros(len(ends), bool)
        for step_m in _EDGE_STEPS_M:
            shown = view.shown(wall.places(ends[:, 0] + sign * step_m, ends[:, 1]))
            before_m = wall.before_m(shown.point)
            is_wall = shown.inside & (shown.label == 0) & (np.abs(before_m) <= _BEYOND_M)
            left = np.where(is_wall & (left == 0), 0, left + 1)
            # what is there a step after the wall is left, and only there
            nearer |= (left == 2) & shown.inside & (shown.label == 0) & (before_m > _EDGE_JUMP_M)
        if np.mean(nearer) > _MAX_PART:
            return True
    return False


def _bounds(wall: Wall, doorways: list[Doorway], cloud: Array) -> bool:
    """Return whether nothing is seen beyond a wall, but through its doorways."""
    limit_m = np.maximum(_BEYOND_M, _BEYOND_REL * np.linalg.norm(cloud, axis=1))
    beyond = (wall.before_m(cloud) < -limit_m) & ~_through(wall, doorways, cloud)
    return bool(np.mean(beyond) <= _MAX_BEYOND)
