"""Detects horizontal support planes, given the up direction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.limits import LiftSettings
from udfs.geometry.surface_grid import SurfaceGrid

Vector = NDArray[np.float64]
_BIN_REL = 0.01
_MIN_BELOW_M, _MAX_BELOW_M = 0.05, 60.0
_NORMAL_DEG = 15.0
_MIN_PATCHES = 30
_MAX_PLANES = 8
_SPARSE_SHARE = 0.10
_THICKNESS_M, _THICKNESS_REL = 0.008, 0.006
_TILT_DEG = 3.0


@dataclass(frozen=True)
class Support:
    """A horizontal surface `below_m` beneath the camera; `normal_c` is its upward normal, `patches` its indices."""

    below_m: float
    normal_c: Vector
    offset_m: float
    area_m2: float
    patches: NDArray[np.intp]


def support_planes(grid: SurfaceGrid, up_c: Vector, sigma_deg: float, limits: LiftSettings) -> list[Support]:
    """Return the upward-facing horizontal planes beneath the camera, most patches first.

    With up known, a horizontal plane has one unknown, its height, so patches vote for it. Each mode is refined by an
    unconstrained plane fit and kept if its tilt is within 3 degrees or 2.5 sigma of up, whichever is larger.
    """
    below = -(grid.points @ up_c)
    normal_tolerance = max(_NORMAL_DEG, 2.5 * sigma_deg)
    free = below > _MIN_BELOW_M
    if grid.oriented:
        free &= grid.normals @ up_c > np.cos(np.deg2rad(normal_tolerance))
    # without normals, walls vote too, so a plane needs a share of all points
    min_votes = _MIN_PATCHES if grid.oriented else max(_MIN_PATCHES, int(_SPARSE_SHARE * len(below)))
    supports: list[Support] = []
    for _ in range(_MAX_PLANES):
        seed = _densest(below, free, sigma_deg, min_votes)
        if seed is None:
            break
        support = _fitted(grid, seed, below, free)
        free = free & ~seed
        if support is None:
            continue
        tolerance = 2.5 * _tolerance_m(grid, support.offset_m)
        free[np.abs(grid.points @ support.normal_c + support.offset_m) < tolerance] = False
        tilt = np.rad2deg(np.arccos(np.clip(support.normal_c @ up_c, -1, 1)))
        # from near, what fills the image is small
        min_area_m2 = limits.support_area_m2 * min(1.0, support.below_m**2)
        if tilt <= max(_TILT_DEG, 2.5 * sigma_deg) and support.area_m2 >= min_area_m2:
            supports.append(support)
    return sorted(supports, key=lambda support: -len(support.patches))


def _densest(below: Vector, free: NDArray[np.bool_], sigma_deg: float, min_votes: int) -> NDArray[np.bool_] | None:
    if np.count_nonzero(free) < min_votes:
        return None
    logs = np.log(below, where=free, out=np.full_like(below, -np.inf))
    edges = np.arange(np.log(_MIN_BELOW_M), np.log(_MAX_BELOW_M), _BIN_REL)
    counts = np.histogram(logs[free], bins=edges)[0]
    half = 1 if sigma_deg < 2.0 else 3
    window = np.convolve(counts, np.ones(2 * half + 1), mode="same")
    peak = int(np.argmax(window))
    if window[peak] < min_votes:
        return None
    return free & (np.abs(logs - (edges[peak] + _BIN_REL / 2)) < (half + 0.5) * _BIN_REL)


def _tolerance_m(grid: SurfaceGrid, below_m: float) -> float:
    return max(_THICKNESS_M, _THICKNESS_REL * below_m, 4.0 * grid.noise_rel * below_m)


def _fitted(grid: SurfaceGrid, seed: NDArray[np.bool_], below: Vector, free: NDArray[np.bool_]) -> Support | None:
    chosen, normal, offset = seed, np.zeros(3), 0.0
    for _ in range(3):
        normal, offset = plane_fit(grid.points[chosen])
        distance = np.abs(grid.points @ normal + offset)
        chosen = free & (distance < _tolerance_m(grid, offset))
        if np.count_nonzero(chosen) < _MIN_PATCHES:
            return None
    # a patch at depth z covers cell_area z^2 / cos(view), and cos(view) is offset / z on the plane
    on_plane = np.abs(grid.cloud @ normal + offset) < _tolerance_m(grid, offset)
    area = float((grid.cloud[on_plane, 2] ** 3).sum() * grid.cell_area / max(offset, 1e-3))
    return Support(float(np.median(below[chosen])), normal, offset, area, np.flatnonzero(chosen))


def plane_fit(points: NDArray[np.float64]) -> tuple[Vector, float]:
    """Fit a plane to (n, 3) points in C; return its unit normal toward the camera and its distance from it, m.

    Solves a . p = 1 by least squares: the residual is the relative depth error, so near and far points weigh the same.
    """
    moments = points.T @ points
    # a tiny ridge keeps collinear points solvable
    a = np.linalg.solve(moments + 1e-9 * np.trace(moments) * np.eye(3), points.sum(axis=0))
    length = max(float(np.linalg.norm(a)), 1e-9)
    return -a / length, 1.0 / length
