"""Estimates gravity from surfaces: floors and tables face up, walls are perpendicular to up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.limits import LiftSettings
from udfs.geometry.planes import Support, support_planes
from udfs.geometry.surface_grid import SurfaceGrid

Vector = NDArray[np.float64]
_IMAGE_UP = np.array([0.0, -1.0, 0.0])
_SEEDS = 64
_WALL_SEEDS = 24
_MIN_PATCHES = 40
_NEAR_DEG = 6.0
_WALL_WEIGHT = 0.5
_WALL_INFORMATION = 8.0  # 1 / rad2: a wall's patch is known to 4 degrees, and 25 neighbors share their error
_LEVEL_RAD = np.deg2rad(0.3)  # tables and floors are level to about this
_BEND_TO_TILT = 2.0
_WARP_PER_M = 0.0005  # m of depth per m2 of squared range that a calibrated sensor may be off without showing it
_LEANS_SIGMAS, _LEANS_RAD = 3.0, np.deg2rad(1.0)
_ROLL_MAX_DEG = 40.0
_PITCH_SURE_DEG, _PITCH_MAX_DEG = 62.0, 84.0
_UPWARD_MAX_DEG = 35.0
_RIVAL_DEG = 15.0
_RIVAL_SHARE = 0.8
_BASE_SIGMA_DEG = 0.5


@dataclass(frozen=True)
class Gravity:
    """Unit vector `up_c` in C; `source` is gt, imu, model, plane or none; `sigma_deg` is None for source none."""

    up_c: Vector
    source: str
    sigma_deg: float | None


NO_GRAVITY = Gravity(_IMAGE_UP, "none", None)


def gravity_from_planes(grid: SurfaceGrid, limits: LiftSettings) -> Gravity:
    """Estimate up from the surfaces of a roughly upright image, with a conservative sigma.

    Candidates are patch normals and cross products of two normals. A candidate's score is the number of patches that
    face along it plus half the number perpendicular to it, times a prior over camera poses.
    """
    if not grid.oriented or len(grid.points) < _MIN_PATCHES:
        return NO_GRAVITY
    candidates = _candidates(grid)
    if not len(candidates):
        return NO_GRAVITY
    cosines = grid.normals @ candidates.T
    near = np.deg2rad(_tolerance_deg(grid))
    along, across = (np.abs(cosines) > np.cos(near)).sum(axis=0), (np.abs(cosines) < np.sin(near)).sum(axis=0)
    score = (along + _WALL_WEIGHT * across) * _prior(candidates)
    best = int(np.argmax(score))
    rivals = np.abs(candidates @ candidates[best]) < np.cos(np.deg2rad(_RIVAL_DEG))
    contested = bool(np.any(score[rivals] > _RIVAL_SHARE * score[best]))
    refined = _refined(grid, candidates[best], limits)
    if refined is None:
        return NO_GRAVITY
    up, sigma = refined
    sigma = np.hypot(sigma, 8.0) if contested else sigma
    if float(_prior(up[None])[0]) <= 0.0 or sigma > limits.gravity_sigma_max_deg:
        return NO_GRAVITY
    return Gravity(up, "plane", float(sigma))


def _tolerance_deg(grid: SurfaceGrid) -> float:
    return _NEAR_DEG + min(6.0, 1500.0 * grid.noise_rel)


def _candidates(grid: SurfaceGrid) -> NDArray[np.float64]:
    sampled = grid.normals[:: max(1, len(grid.normals) // (4 * _SEEDS))]
    facing = sampled[_prior(sampled) > 0.0][:: max(1, len(sampled) // (4 * _SEEDS))]
    first = grid.normals[:: max(1, len(grid.normals) // _WALL_SEEDS)]
    i, j = np.triu_indices(len(first), 1)
    crossed = np.cross(first[i], first[j])
    length = np.linalg.norm(crossed, axis=1)
    crossed = crossed[length > 0.5] / length[length > 0.5, None]
    crossed = np.where(crossed[:, 1:2] > 0, -crossed, crossed)
    both = np.vstack([facing, crossed])
    return both[_prior(both) > 0.0]


def _prior(up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) weights in [0, 1]: 1 for upright cameras, lower for steep ones, 0 for implausible ones."""
    pitch = np.rad2deg(np.arcsin(np.clip(-up[:, 2], -1, 1)))
    roll = np.rad2deg(np.arctan2(np.abs(up[:, 0]), -up[:, 1]))
    # looking straight down, roll is undefined: a small tilt changes it arbitrarily
    eased = np.cos(np.deg2rad(pitch)) / np.cos(np.deg2rad(_PITCH_SURE_DEG))
    roll = np.where(pitch > _PITCH_SURE_DEG, roll * eased, roll)
    steep = np.interp(pitch, [-_UPWARD_MAX_DEG, -20.0, _PITCH_SURE_DEG, _PITCH_MAX_DEG], [0.0, 1.0, 1.0, 0.4])
    steep = np.where(pitch > _PITCH_MAX_DEG, 0.0, steep)
    return steep * np.interp(roll, [20.0, _ROLL_MAX_DEG], [1.0, 0.0])


def _refined(grid: SurfaceGrid, up: Vector, limits: LiftSettings) -> tuple[Vector, float] | None:
    """Refine an initial up direction by a joint fit to all supports and walls; return up and sigma in degrees.

    A support weighs by how well its own tilt is known, so a near table outweighs a distant, warped floor.
    """
    start = up
    tilts: NDArray[np.float64] = np.empty(0)
    supports: list[Support] = []
    for _ in range(3):
        found = [s for s in support_planes(grid, up, 8.0, limits) if len(s.patches) >= _MIN_PATCHES]
        tilts = np.array([_tilt_sigma_rad(grid, s) for s in found])
        apart = np.array([_angle_rad(s.normal_c, up) for s in found])
        agreeing = _agreeing(tilts, apart)
        supports, tilts = [s for s, kept in zip(found, agreeing, strict=True) if kept], tilts[agreeing]
        matrix = _WALL_INFORMATION * _walls(grid, up)
        for support, tilt in zip(supports, tilts, strict=True):
            matrix = matrix - np.outer(support.normal_c, support.normal_c) / tilt**2
        if not supports and np.linalg.matrix_rank(matrix, tol=0.02 * max(np.trace(matrix), 1e-9)) < 2:
            return None
        _, vectors = np.linalg.eigh(matrix)
        up = vectors[:, 0] * np.sign(vectors[:, 0] @ start or 1.0)
    return up, _sigma_deg(grid, up, supports, tilts)


def _agreeing(tilts: NDArray[np.float64], apart: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which supports may be horizontal: not one that leans far beyond its error while a surer one does not."""
    if len(tilts) < 2:
        return np.ones(len(tilts), bool)
    return (apart < _LEANS_SIGMAS * tilts + _LEANS_RAD) | (tilts <= tilts.min())


def _tilt_sigma_rad(grid: SurfaceGrid, support: Support) -> float:
    """Return the standard error of a support's tilt.

    The residual shows the sensor's noise and warp at its range; a warp that bends a surface by so much also tilts it by
    about twice as much over its narrower extent.
    """
    points = grid.points[support.patches]
    residual = points @ support.normal_c + support.offset_m
    centered = points - points.mean(axis=0)
    spread = np.linalg.eigvalsh(centered.T @ centered / len(points))
    narrow_m = np.sqrt(max(float(spread[1]), 1e-8))
    bend_m = max(float(np.sqrt(np.mean(residual * residual))), _WARP_PER_M * float(np.mean(points[:, 2] ** 2)))
    return float(np.hypot(_LEVEL_RAD, _BEND_TO_TILT * bend_m / narrow_m))


def _angle_rad(a: Vector, b: Vector) -> float:
    return float(np.arccos(np.clip(a @ b, -1.0, 1.0)))


def _walls(grid: SurfaceGrid, up: Vector) -> NDArray[np.float64]:
    near = np.sin(np.deg2rad(_tolerance_deg(grid)))
    standing = grid.normals[np.abs(grid.normals @ up) < near]
    return standing.T @ standing


def _sigma_deg(grid: SurfaceGrid, up: Vector, supports: list[Support], tilts: NDArray[np.float64]) -> float:
    """Return a conservative sigma: base error, noise averaged over patches, and disagreement between surfaces."""
    near = np.sin(np.deg2rad(_tolerance_deg(grid)))
    lean = grid.normals @ up
    standing = np.abs(lean) < near
    walls = np.count_nonzero(standing)
    patches = sum(len(s.patches) for s in supports)
    terms = [_BASE_SIGMA_DEG, 3000.0 * grid.noise_rel / np.sqrt(max(patches + walls, 1))]
    if supports:
        weights = 1.0 / tilts**2
        apart = np.array([_angle_rad(s.normal_c, up) for s in supports])
        terms.append(float(np.rad2deg(np.sqrt(1.0 / weights.sum()))))
        terms.append(float(np.rad2deg(np.sqrt((weights * apart**2).sum() / weights.sum()))))
    if walls >= _MIN_PATCHES:
        terms.append(np.rad2deg(abs(float(np.median(lean[standing])))))
    if not supports:
        terms.append(2.5)
    elif patches < 3 * _MIN_PATCHES and walls < _MIN_PATCHES:
        terms.append(3.0)
    elif walls < _MIN_PATCHES:
        terms.append(1.0)
    if np.rad2deg(np.arcsin(np.clip(-up[2], -1, 1))) > _PITCH_SURE_DEG and walls < _MIN_PATCHES:
        terms.append(5.0)
    return float(np.linalg.norm(terms))
