"""Tells gravity that points up from that of a camera held upside down, by the surfaces that depth shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.camera import Pinhole

# Gravity that points up by more than 30 degrees in the image; a camera looking straight down or up is near 0.
_UP_FROM = -0.5
_GRID_ROWS = 90
_LEVEL_COS = 0.95
_MIN_SHARE, _TIMES_MORE = 0.02, 3.0


def points_up(gravity: Sequence[float], depth_mm: NDArray[Any], camera: Mapping[str, float]) -> bool:
    """Return whether gravity [3] (frame C, upright image) points up in the image and in the scene.

    Both a wrong sign and a camera that is upside down make gravity point up in the image. Level surfaces tell them
    apart: almost all that one sees face up, such as floors and table tops, so with the wrong sign they face down.
    """
    if gravity[1] >= _UP_FROM:
        return False
    facing_up, facing_down = level_shares(gravity, depth_mm, camera)
    return facing_down >= _MIN_SHARE and facing_down > _TIMES_MORE * facing_up


def level_shares(gravity: Sequence[float], depth_mm: NDArray[Any], camera: Mapping[str, float]) -> tuple[float, float]:
    """Return which shares of the measured surface face up and down within 18 degrees of gravity."""
    step = max(1, depth_mm.shape[0] // _GRID_ROWS)
    v, u = np.mgrid[0 : depth_mm.shape[0] : step, 0 : depth_mm.shape[1] : step]
    z_m = depth_mm[::step, ::step] / 1000.0
    points = Pinhole.of(camera).unproject(u.ravel(), v.ravel(), z_m.ravel()).reshape(*z_m.shape, 3)
    across, down = points[:-1, 1:] - points[:-1, :-1], points[1:, :-1] - points[:-1, :-1]
    normals = np.cross(across, down)
    lengths = np.linalg.norm(normals, axis=2)
    measured = (z_m[:-1, :-1] > 0) & (z_m[:-1, 1:] > 0) & (z_m[1:, :-1] > 0) & (lengths > 0)
    if not measured.any():
        return 0.0, 0.0
    normals = normals[measured] / lengths[measured, None]
    # Every visible surface faces the camera.
    normals *= -np.sign(np.sum(normals * points[:-1, :-1][measured], axis=1))[:, None]
    along = normals @ np.asarray(gravity, dtype=np.float64)
    return float(np.mean(along < -_LEVEL_COS)), float(np.mean(along > _LEVEL_COS))
