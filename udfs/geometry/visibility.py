"""Measures how much of an object is hidden: by the image border, or by something nearer along its outline."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import Crop, Mask, pixels_of

_NEARER_M, _NEARER_REL = 0.03, 0.03
_NOISE_SIGMAS = 4.0
_GRAZING_REL = 0.008  # per pixel
_NOISY_REL = 0.003


def truncated(crop: Crop, height: int, width: int) -> bool:
    """Return whether the mask touches the image border."""
    u0, v0, u1, v1 = crop.bbox_px
    return u0 <= 0 or v0 <= 0 or u1 >= width or v1 >= height


def occlusion(depth: DepthMap, crop: Crop, kept: Mask, bleed_px: float) -> float:
    """Return the share of the cleaned outline that borders something nearer, in [0, 1].

    Nearer means by more than 3 cm, 3 % of the depth and the noise level, which excludes the surface that an object
    stands on, since both meet at the same depth.
    """
    z_m = depth.z_m[crop.window]
    solid: Mask = cv2.morphologyEx(kept, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8), borderValue=0) & crop.mask
    outline: Mask = cv2.erode(solid, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1) ^ solid
    outline &= kept
    total = cv2.countNonZero(outline)
    if total == 0:
        return 0.0
    size = 2 * (round(bleed_px) + 1) + 1
    outside = (crop.mask == 0) & (z_m > 0)
    noise = depth.noise_rel or 0.0
    if noise > _NOISY_REL:
        size += 4
        weight = outside.astype(np.float32)
        count = cv2.boxFilter(weight, -1, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT)
        near = cv2.boxFilter(weight * z_m, -1, (size, size), normalize=False, borderType=cv2.BORDER_CONSTANT)
        near = np.where(count > 0.5, near / np.maximum(count, 1.0), np.inf)
        noise /= 2.0
    else:
        far: NDArray[Any] = np.where(outside, z_m, np.float32(1e9))
        near = cv2.erode(far, np.ones((size, size), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1e9)
    u, v = pixels_of(outline)
    own_m = z_m[v, u]
    # a floor seen at a grazing angle comes nearer with each pixel away from the outline
    margin = np.maximum(_NEARER_M, (_NEARER_REL + _GRAZING_REL * bleed_px + _NOISE_SIGMAS * noise) * own_m)
    return float(np.count_nonzero(near[v, u] < own_m - margin)) / total
