"""Fits local planes inside a mask to smooth depth maps with strong pixel noise."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.masks import Mask

_WINDOWS_PX = (21, 11, 7, 5)
_MIN_FIT_PX = 8.0
_MIN_ON_PLANE_SHARE, _MIN_ON_PLANE_PX = 0.7, 50
_OUTLINE_PX = 6.0
Plane = NDArray[Any]


def denoised(disparity: Plane, kept: Mask, noise_rel: float) -> tuple[Plane, Mask]:
    """Return the smoothed 1 / z of a crop (h, w), and the kept pixels that lie on a local plane.

    A plane in space is linear in 1 / z. Each pixel uses the largest window whose residual noise alone explains, which
    preserves depth edges and curvature inside the object (Lepski's method). Pixels that fit no window lie on a depth
    edge: near the outline they are dropped as foreign, unless that removes over 30 % of the object; elsewhere they use
    the smallest window.
    """
    weight = kept.astype(np.float32)
    mean = float((disparity * weight).sum() / max(weight.sum(), 1.0))
    # centered on the mean, because second moments are computed in single precision
    value = np.where(kept > 0, disparity - np.float32(mean), np.float32(0.0)).astype(np.float32)
    out = disparity.copy()
    on_plane = np.zeros(kept.shape, bool)
    fitted = count = np.zeros(kept.shape, np.float32)
    for size in _WINDOWS_PX:
        fitted, variance, count = local_plane(value, weight, size)
        expected = (noise_rel * (mean + fitted)) ** 2
        slack = 1.0 + 3.0 * np.sqrt(2.0 / np.maximum(count - 3.0, 1.0))
        good = (kept > 0) & ~on_plane & (count >= _MIN_FIT_PX) & (variance <= slack * expected)
        out[good] = mean + fitted[good]
        on_plane |= good
    edge = (kept > 0) & ~on_plane & (count >= _MIN_FIT_PX)
    out[edge] = mean + fitted[edge]
    cleaned = (on_plane | (cv2.distanceTransform(kept, cv2.DIST_L2, 3) > _OUTLINE_PX)).astype(np.uint8) & kept
    enough = cv2.countNonZero(cleaned) >= max(_MIN_ON_PLANE_PX, _MIN_ON_PLANE_SHARE * cv2.countNonZero(kept))
    return np.maximum(out, np.float32(1e-6)), cleaned if enough else kept


def local_plane(value: Plane, weight: Plane, size: int) -> tuple[Plane, Plane, Plane]:
    """Fit a plane around each pixel; return its value there, the residual variance and the number of pixels used.

    All arrays are (h, w). `value` must be 0 where `weight` is 0; such pixels get the extrapolation of their neighbors.
    """
    count, du, dv, uu, uv, vv = _moments(weight, size)
    sums = _box(value, size)
    u, v = _coordinates(value.shape)
    moment_u, moment_v = _box(value * u, size) - u * sums, _box(value * v, size) - v * sums
    safe = np.maximum(count, 1.0)
    mean_u, mean_v, mean = du / safe, dv / safe, sums / safe
    cuu, cuv, cvv = uu - du * mean_u, uv - du * mean_v, vv - dv * mean_v
    cu, cv = moment_u - mean_u * sums, moment_v - mean_v * sums
    ridge = np.float32(1e-3) * safe + np.float32(1e-3)
    cuu, cvv = cuu + ridge, cvv + ridge
    determinant = np.maximum(cuu * cvv - cuv * cuv, np.float32(1e-6))
    slope_u, slope_v = (cvv * cu - cuv * cv) / determinant, (cuu * cv - cuv * cu) / determinant
    fitted = mean - slope_u * mean_u - slope_v * mean_v
    squares = _box(value * value, size) - sums * mean
    residual = np.maximum(squares - slope_u * cu - slope_v * cv, 0.0)
    return fitted, residual / np.maximum(count - 3.0, 1.0), count


def _moments(weight: Plane, size: int) -> tuple[Plane, ...]:
    """Return per-pixel window sums of 1, du, dv, du2, du dv, dv2, with offsets relative to the pixel."""
    u, v = _coordinates(weight.shape)
    count, su, sv = _box(weight, size), _box(weight * u, size), _box(weight * v, size)
    uu = _box(weight * u * u, size) - 2 * u * su + u * u * count
    vv = _box(weight * v * v, size) - 2 * v * sv + v * v * count
    uv = _box(weight * u * v, size) - u * sv - v * su + u * v * count
    return count, su - u * count, sv - v * count, uu, uv, vv


def _coordinates(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    v, u = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return u - np.float32(shape[1] / 2), v - np.float32(shape[0] / 2)


def _box(plane: Plane, size: int) -> Plane:
    return cv2.boxFilter(plane, cv2.CV_32F, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT)
