"""Cuts an object out of its image: cleaned mask pixels become points in frame C."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.bleed import Bleed
from udfs.geometry.cleaning import Surroundings, kept_mask, sparse_kept
from udfs.geometry.denoising import denoised
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.limits import LiftSettings
from udfs.geometry.masks import Crop, Mask, pixels_of

_MAX_POINTS, _SAMPLE_POINTS, _OUTLINE_POINTS = 6000, (1600, 200), 1500
_NEIGHBORS = np.ones((3, 3), np.uint8)
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Cutout:
    """A region with its mask and its cleaned pixels `kept` (crop-sized).

    `points_c` (n, 3) is an even subset of its `n_points` points in C, m; `samples_c` holds two sparser subsets
    and `outline_c` points of its outline, those around holes included.
    """

    region: Mapping[str, Any]
    crop: Crop
    kept: Mask
    bleed: Bleed
    points_c: NDArray[np.float64]
    samples_c: tuple[NDArray[np.float64], ...]
    outline_c: NDArray[np.float64]
    n_points: int

    @property
    def clouds_c(self) -> tuple[NDArray[np.float64], ...]:
        """Return the even subsets, from many points to few, and the outline."""
        return self.points_c, *self.samples_c, self.outline_c


def cutout(
    depth: DepthMap, region: Mapping[str, Any], crop: Crop, bleed: Bleed, around: Surroundings, limits: LiftSettings
) -> Cutout:
    """Return the object's cleaned points; their number is not checked here."""
    sparse = depth.valid_share < limits.sparse_share
    kept = _sparse_mask(depth, crop) if sparse else kept_mask(depth, crop, bleed, around)
    noise = depth.noise_rel or 0.0
    disparity = depth.disparity[crop.window]
    if noise > limits.denoise_from_rel and not sparse:
        disparity, kept = denoised(disparity, kept, noise)
    u, v = pixels_of(kept)
    subsets = [(u[chosen], v[chosen]) for chosen in (lattice(u, v, n) for n in (_MAX_POINTS, *_SAMPLE_POINTS))]
    points, *samples, outline = (_unprojected(depth, crop, disparity, *places) for places in (*subsets, _outline(kept)))
    return Cutout(region, crop, kept, bleed, points, tuple(samples), outline, len(u))


def _unprojected(
    depth: DepthMap, crop: Crop, disparity: NDArray[np.float32], column: NDArray[np.int32], row: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the points (n, 3) in C, m, of pixels of a crop."""
    z_m = 1.0 / disparity[row, column].astype(np.float64)
    return depth.camera.unproject(column + crop.columns.start, row + crop.rows.start, z_m)


def _outline(kept: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return columns and rows of the outermost pixels of a mask, at most 1500, crop px."""
    inner = cv2.erode(kept, _NEIGHBORS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    u, v = pixels_of(kept - inner)
    stride = -(-len(u) // _OUTLINE_POINTS) or 1
    return u[::stride], v[::stride]


def lattice(u: NDArray[np.integer], v: NDArray[np.integer], max_points: int) -> NDArray[np.intp] | slice:
    """Return the indices of about `max_points` of n pixels, spread evenly by a rank-1 lattice; all if fewer.

    Pixels with (u + a v) mod k = 0 form a lattice of density 1 / k; a / k near the golden section keeps it isotropic.
    A plain stride through the rows would form stripes whenever it is close to the mask's width.
    """
    period = -(-len(u) // max_points)
    if period <= 1:
        return slice(None)
    shift = max(1, round(period * _GOLDEN))
    while gcd(shift, period) > 1:
        shift += 1
    # NumPy divides unsigned numbers many at once; its remainder takes thirty times as long
    place, divisor = u.astype(np.uint32) + np.uint32(shift) * v.astype(np.uint32), np.uint32(period)
    chosen = np.flatnonzero(place // divisor * divisor == place)
    return chosen if len(chosen) else slice(None, None, period)


def _sparse_mask(depth: DepthMap, crop: Crop) -> Mask:
    z_m = depth.z_m[crop.window]
    kept = crop.mask & (z_m > 0).astype(np.uint8)
    if cv2.countNonZero(kept):
        kept[kept > 0] = sparse_kept(z_m[kept > 0].astype(np.float64))
    return kept
