"""A coarse grid of surface patches with normals, from which planes and gravity are estimated."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap

_COLUMNS = 80
_FULL_SHARE = 0.5  # share of a cell's pixels that must have depth
_BEND = 0.012  # relative bend over one cell above which a patch counts as not smooth
_SMOOTH_FROM_REL = 0.005
_MAX_SPARSE_POINTS = 8000
_SPARSE_NOISE_REL = 0.005


@dataclass(frozen=True)
class SurfaceGrid:
    """The n smooth patches and all m sampled points of a depth map, in C.

    `points` (n, 3) m; `normals` (n, 3) unit, toward the camera, zeros unless `oriented` (a sparse map is not);
    `noise_rel` of a patch's depth; `cell_area` of a patch at z = 1 m, m2; `cloud` (m, 3) all sampled points, m.
    """

    points: NDArray[np.float64]
    normals: NDArray[np.float64]
    noise_rel: float
    cell_area: float
    cloud: NDArray[np.float64]
    oriented: bool


def surface_grid(depth: DepthMap) -> SurfaceGrid:
    """Compute the patches of a dense depth map: mean disparity per cell, and normals from its differences."""
    height, width = depth.disparity.shape
    cell = max(2, round(width / _COLUMNS))
    rows, columns = height // cell, width // cell
    pixels = depth.disparity[: rows * cell, : columns * cell]
    mean = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float64)
    share = cv2.resize((pixels > 0).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    full = share >= _FULL_SHARE
    disparity = np.where(full, mean / np.maximum(share, 1e-6), 0.0)
    v, u = np.mgrid[0:rows, 0:columns] * float(cell) + (cell - 1) / 2
    x, y = (u - depth.camera.cx) / depth.camera.fx, (v - depth.camera.cy) / depth.camera.fy
    noise = (depth.noise_rel or 0.0) / cell
    normals, smooth = _normals(disparity, full, cell, (x, y), depth)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    points = rays / np.where(full, disparity, 1.0)[..., None]
    area = cell**2 / (depth.camera.fx * depth.camera.fy)
    return SurfaceGrid(points[smooth], normals[smooth], noise, area, points[full], True)


def sparse_grid(depth: DepthMap) -> SurfaceGrid:
    """Return the single points of a sparse depth map, which have no normals."""
    v, u = np.nonzero(depth.z_m)
    stride = -(-len(u) // _MAX_SPARSE_POINTS) or 1
    v, u = v[::stride], u[::stride]
    z_m = depth.z_m[v, u].astype(np.float64)
    rays = depth.camera.rays(u, v)
    points = rays * z_m[:, None]
    area = depth.z_m.size / max(len(u), 1) / (depth.camera.fx * depth.camera.fy)
    return SurfaceGrid(points, np.zeros_like(points), _SPARSE_NOISE_REL, area, points, False)


def _normals(
    disparity: NDArray[np.float64],
    full: NDArray[np.bool_],
    cell: int,
    xy: tuple[NDArray[np.float64], NDArray[np.float64]],
    depth: DepthMap,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    noise = (depth.noise_rel or 0.0) / cell
    smooth = np.zeros_like(full)
    smooth[1:-1, 1:-1] = full[1:-1, 1:-1] & full[1:-1, :-2] & full[1:-1, 2:] & full[:-2, 1:-1] & full[2:, 1:-1]
    bend_u, bend_v = np.zeros_like(disparity), np.zeros_like(disparity)
    bend_u[:, 1:-1] = disparity[:, 2:] + disparity[:, :-2] - 2 * disparity[:, 1:-1]
    bend_v[1:-1] = disparity[2:] + disparity[:-2] - 2 * disparity[1:-1]
    limit = (_BEND + 5 * np.sqrt(6.0) * noise) * np.maximum(disparity, 1e-9)
    smooth &= (np.abs(bend_u) < limit) & (np.abs(bend_v) < limit)
    slope_u, slope_v = np.zeros_like(disparity), np.zeros_like(disparity)
    slope_u[:, 1:-1] = (disparity[:, 2:] - disparity[:, :-2]) / (2 * cell)
    slope_v[1:-1] = (disparity[2:] - disparity[:-2]) / (2 * cell)
    if (depth.noise_rel or 0.0) > _SMOOTH_FROM_REL:
        weight = np.maximum(cv2.blur(smooth.astype(np.float64), (3, 3)), 1e-9)
        slope_u = cv2.blur(np.where(smooth, slope_u, 0.0), (3, 3)) / weight
        slope_v = cv2.blur(np.where(smooth, slope_v, 0.0), (3, 3)) / weight
    # a plane satisfies disparity = a . ray, and its normal toward the camera is -a / |a|
    a = np.stack([slope_u * depth.camera.fx, slope_v * depth.camera.fy, np.zeros_like(slope_u)], axis=-1)
    a[..., 2] = disparity - a[..., 0] * xy[0] - a[..., 1] * xy[1]
    return -a / np.maximum(np.linalg.norm(a, axis=-1, keepdims=True), 1e-12), smooth
