"""An object cut out of its photograph: cleaned pixels as points in frame C."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.bleed import Bleed
from udfs.geometry.cleaning import Surroundings, kept_mask, sparse_kept
from udfs.geometry.denoising import denoised
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.limits import LiftSettings
from udfs.geometry.masks import Crop, Mask
from udfs.geometry.sampling import lattice

_MOST_POINTS, _SAMPLE_POINTS = 6000, (1600, 200)


@dataclass(frozen=True)
class Cutout:
    """A region with its mask and its kept pixels (crop-sized).

    `points_c` (n, 3) is an even subset of its `n_points` points, C, m; `samples_c` are two sparser ones.
    """

    region: Mapping[str, Any]
    crop: Crop
    kept: Mask
    bleed: Bleed
    points_c: NDArray[np.float64]
    samples_c: tuple[NDArray[np.float64], ...]
    n_points: int


def cutout(
    depth: DepthMap, region: Mapping[str, Any], crop: Crop, bleed: Bleed, around: Surroundings, limits: LiftSettings
) -> Cutout:
    """Return the object's points; there may be too few of them."""
    sparse = depth.valid_share < limits.sparse_share
    kept = _sparse_mask(depth, crop) if sparse else kept_mask(depth, crop, bleed, around)
    noise = depth.noise_rel or 0.0
    disparity = depth.disparity[crop.window]
    if noise > limits.denoise_from_rel and not sparse:
        disparity, kept = denoised(disparity, kept, noise)
    v, u = np.nonzero(kept)
    clouds = []
    for most in (_MOST_POINTS, *_SAMPLE_POINTS):
        chosen = lattice(u, v, most)
        column, row = u[chosen], v[chosen]
        z_m = 1.0 / disparity[row, column].astype(np.float64)
        clouds.append(depth.camera.unproject(column + crop.columns.start, row + crop.rows.start, z_m))
    return Cutout(region, crop, kept, bleed, clouds[0], tuple(clouds[1:]), len(u))


def _sparse_mask(depth: DepthMap, crop: Crop) -> Mask:
    z_m = depth.z_m[crop.window]
    kept = crop.mask & (z_m > 0).astype(np.uint8)
    if cv2.countNonZero(kept):
        kept[kept > 0] = sparse_kept(z_m[kept > 0].astype(np.float64))
    return kept
