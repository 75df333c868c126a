"""The points of a scene for the 3D view of a page: where the pixels of an image lie, and their colors."""

import base64
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.views.pages.images import decoded_depth_mm
from jobs.views.pages.projection import View

MAX_POINTS = 60_000
MAX_GRID_POINTS = 13_000
_MM_PER_M = 1000.0
# Farther points do not fit into 16 bits of mm.
_REACH_M = 32.0
_SIZE_M = 0.001
_MAX_SLANT = 8.0


def cloud_of(depth_png: bytes, rgb: NDArray[np.uint8], view: View, max_points: int = MAX_POINTS) -> Mapping[str, Any]:
    """Return the points of a depth map (uint16 PNG, mm) in frame W, with the colors of the upright image (h, w, 3).

    `xyz` holds int16 in mm and `rgb` uint8, both base64 and three per point. `size` holds one uint8 per point, its
    width in units of `size_m`: as far as its neighbors on the same surface lie apart.
    """
    depth_m = decoded_depth_mm(depth_png).astype(np.float64) / _MM_PER_M
    height, width = depth_m.shape
    step = max(1, math.ceil(math.sqrt(height * width / max_points)))
    rows, columns = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    z = depth_m[rows, columns]
    camera, pose = view.camera, np.reshape(np.asarray(view.world_from_camera, dtype=np.float64), (3, 4))
    ray_x, ray_y = (columns - camera["cx"]) / camera["fx"], (rows - camera["cy"]) / camera["fy"]
    points = np.stack([ray_x * z, ray_y * z, z], axis=-1) @ pose[:, :3].T + pose[:, 3]
    near = (z > 0) & (np.abs(points).max(axis=-1) < _REACH_M)
    sizes = _sizes(points, z * step / float(camera["fx"]))
    return {
        "count": int(near.sum()),
        "xyz": _base64(np.rint(points[near] * _MM_PER_M).astype("<i2")),
        "rgb": _base64(rgb[rows, columns][near]),
        "size": _base64(np.clip(np.rint(sizes[near] / _SIZE_M), 1, 255).astype(np.uint8)),
        "size_m": _SIZE_M,
    }


def depth_grid(depth_png: bytes, max_points: int = MAX_GRID_POINTS) -> Mapping[str, Any]:
    """Return every `step`th pixel of a depth map, from which a page makes its points.

    `mm` holds the differences along the rows (`height` x `width`, uint16 that wrap around), deflated and base64: what
    is smooth takes little room.
    """
    depth_mm = decoded_depth_mm(depth_png).astype(np.uint16)
    step = max(1, math.ceil(math.sqrt(depth_mm.size / max_points)))
    held = depth_mm[step // 2 :: step, step // 2 :: step]
    differences = np.diff(held, axis=1, prepend=np.uint16(0)).astype("<u2")
    packed = base64.b64encode(zlib.compress(differences.tobytes(), 9)).decode()
    return {"step": step, "width": held.shape[1], "height": held.shape[0], "mm": packed}


def _sizes(points: NDArray[np.float64], facing_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how large the points of a grid (h, w, 3) are, m, given how large they are where they face the camera."""
    sizes = facing_m.copy()
    for axis in (0, 1):
        apart = np.linalg.norm(np.diff(points, axis=axis), axis=-1)
        width = [(0, 0), (0, 0)]
        width[axis] = (0, 1)
        apart = np.pad(apart, width)
        # A neighbor much farther away lies on another surface.
        sizes = np.where(apart < _MAX_SLANT * facing_m, np.maximum(sizes, apart), sizes)
    return sizes


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
