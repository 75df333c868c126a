"""Fits local planes inside a mask to smooth depth maps with strong pixel noise."""

from typing import Any, NamedTuple

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
    products = Products.of(value, weight)
    out = np.ascontiguousarray(disparity).ravel().copy()
    on_plane = np.zeros(kept.size, bool)
    left = np.flatnonzero(kept.view(np.bool_))
    for size in _WINDOWS_PX:
        fitted, variance, count = local_plane(products, size, left)
        expected = (noise_rel * (mean + fitted)) ** 2
        slack = 1.0 + 3.0 * np.sqrt(2.0 / np.maximum(count - 3.0, 1.0))
        good = (count >= _MIN_FIT_PX) & (variance <= slack * expected)
        out[left[good]] = mean + fitted[good]
        on_plane[left[good]] = True
        edge = ~good & (count >= _MIN_FIT_PX)
        edge_at, edge_fitted = left[edge], fitted[edge]
        left = left[~good]
        if not len(left):
            break
    out[edge_at] = mean + edge_fitted
    far_inside = cv2.distanceTransform(kept, cv2.DIST_L2, 3) > _OUTLINE_PX
    cleaned = (on_plane.reshape(kept.shape) | far_inside).astype(np.uint8) & kept
    enough = cv2.countNonZero(cleaned) >= max(_MIN_ON_PLANE_PX, _MIN_ON_PLANE_SHARE * cv2.countNonZero(kept))
    return np.maximum(out, np.float32(1e-6)).reshape(kept.shape), cleaned if enough else kept


class Products(NamedTuple):
    """What is summed over windows to fit planes to the values of pixels (h, w): products with the coordinates.

    `weights` are those of 1, u, v, u2, u v, v2 with the weight, `values` of 1, u, v with the value, and `squares` the
    squares of the values.
    """

    weights: tuple[Plane, ...]
    values: tuple[Plane, ...]
    squares: Plane

    @classmethod
    def of(cls, value: Plane, weight: Plane) -> "Products":
        """Multiply once for windows of all sizes; `value` must be 0 where `weight` is 0."""
        u, v = _coordinates(value.shape)
        wu, wv = weight * u, weight * v
        return cls((weight, wu, wv, wu * u, wu * v, wv * v), (value, value * u, value * v), value * value)


def local_plane(products: Products, size: int, at: NDArray[np.intp]) -> tuple[Plane, Plane, Plane]:
    """Fit a plane around pixels; return its value there, the residual variance and the number of pixels used.

    `at` (n,) says where, in the flat image, and all results are (n,). Pixels of no weight get the extrapolation of
    their neighbors.
    """
    fitted, (slope_u, slope_v), (cu, cv, sums, mean, count) = _plane(products, size, at)
    squares = _box(products.squares, size, at) - sums * mean
    residual = np.maximum(squares - slope_u * cu - slope_v * cv, 0.0)
    return fitted, residual / np.maximum(count - 3.0, 1.0), count


def plane_value(products: Products, size: int, at: NDArray[np.intp]) -> tuple[Plane, Plane]:
    """Return the value of the plane that `local_plane` fits, and the number of pixels used."""
    fitted, _, (*_, count) = _plane(products, size, at)
    return fitted, count


def _plane(products: Products, size: int, at: NDArray[np.intp]) -> tuple[Plane, tuple[Plane, Plane], tuple[Plane, ...]]:
    """Return the value of the plane at n pixels, its slopes, and the sums that these follow from."""
    u, v = _coordinates_at(products.squares.shape, at)
    count, du, dv, uu, uv, vv = _moments(products, size, at, u, v)
    sums, sums_u, sums_v = (_box(plane, size, at) for plane in products.values)
    moment_u, moment_v = sums_u - u * sums, sums_v - v * sums
    safe = np.maximum(count, 1.0)
    mean_u, mean_v, mean = du / safe, dv / safe, sums / safe
    cuu, cuv, cvv = uu - du * mean_u, uv - du * mean_v, vv - dv * mean_v
    cu, cv = moment_u - mean_u * sums, moment_v - mean_v * sums
    ridge = np.float32(1e-3) * safe + np.float32(1e-3)
    cuu, cvv = cuu + ridge, cvv + ridge
    determinant = np.maximum(cuu * cvv - cuv * cuv, np.float32(1e-6))
    slope_u, slope_v = (cvv * cu - cuv * cv) / determinant, (cuu * cv - cuv * cu) / determinant
    fitted = mean - slope_u * mean_u - slope_v * mean_v
    return fitted, (slope_u, slope_v), (cu, cv, sums, mean, count)


def _moments(products: Products, size: int, at: NDArray[np.intp], u: Plane, v: Plane) -> tuple[Plane, ...]:
    """Return window sums of 1, du, dv, du2, du dv, dv2, with offsets relative to each of n pixels."""
    count, su, sv, suu, suv, svv = (_box(plane, size, at) for plane in products.weights)
    uu = suu - 2 * u * su + u * u * count
    vv = svv - 2 * v * sv + v * v * count
    uv = suv - u * sv - v * su + u * v * count
    return count, su - u * count, sv - v * count, uu, uv, vv


def _coordinates(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    """Return the columns (1, w) and the rows (h, 1) of the pixels, px from the middle."""
    v, u = (np.arange(length, dtype=np.float32) - np.float32(length / 2) for length in shape)
    return u[None], v[:, None]


def _coordinates_at(shape: tuple[int, ...], at: NDArray[np.intp]) -> tuple[Plane, Plane]:
    """Return columns and rows (n,) of pixels of the flat image, px from the middle."""
    u, v = _coordinates(shape)
    row = at.astype(np.uint32) // np.uint32(shape[1])
    return u[0][at - row * np.uint32(shape[1])], v[:, 0][row]


def _box(plane: Plane, size: int, at: NDArray[np.intp]) -> Plane:
    """Return the sums of the windows around n pixels of the flat image."""
    sums = cv2.boxFilter(plane, cv2.CV_32F, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return sums.ravel()[at]
