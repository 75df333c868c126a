"""Removes pixels that do not belong to an object from its mask: bleed, flying pixels and stray clusters."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.bleed import BACKGROUND, Bleed, without_slivers
from udfs.geometry.denoising import Products, plane_value
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import Crop, Mask

_MIN_KEPT_SHARE = 0.15
_MIN_KEPT_PX = 50
_ZONE_PX = 2.0  # extra width beyond the bleed of the zone whose pixels are compared with the interior
_WINDOW_PX, _OUTER_WINDOW_PX = 21, 15
_MIN_FIT_PX = 12.0
_DEVIATION_REL, _CONTRAST_REL = 0.04, 0.015
_RING_BLUR_PX, _RINGS = 7, 4
_NOISY_REL = 0.003
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_STEEPEST, _STEEP_KEPT_SHARE = 6.0, 0.5
_STRAY_SHARE = 0.01
_STRAY_GAP_REL, _STRAY_GAP_M = 0.05, 0.10
_FRINGE_SHARE, _FRINGE_GAP_REL, _FRINGE_SPREADS = 0.10, 0.10, 1.5
_SPARSE_MADS = 3.0
_SPARSE_MIN_M, _SPARSE_MIN_REL = 0.05, 0.02


@dataclass(frozen=True)
class Surroundings:
    """The image's label map `labels` (h, w), and `orphans` (h, w): slivers removed from the mask that had them."""

    labels: NDArray[np.uint16]
    orphans: Mask


def kept_mask(depth: DepthMap, crop: Crop, bleed: Bleed, around: Surroundings) -> Mask:
    """Return the crop's mask without bleed and without pixels that have no depth.

    The outline is eroded by the bleed toward each adjacent label; slivers that other masks had taken from this one are
    returned to it. An edge cut by the image border is not eroded.
    """
    valid = (depth.z_m[crop.window] > 0).astype(np.uint8)
    kept = crop.mask & valid
    if not bleed.width_px:
        kept = _without_foreign_outline(depth, crop, kept, bleed) if bleed.smear_px else kept
        return _without_strays(depth, crop, _without_flying(depth, crop, kept, bleed))
    width, labels = bleed.width_px.get(BACKGROUND, 0), around.labels[crop.window]
    kept &= without_slivers(crop, labels, width)
    min_px = max(_MIN_KEPT_PX, int(_MIN_KEPT_SHARE * crop.area_px))
    for slack in range(bleed.max_width_px + 1):
        eroded = _eroded(kept, crop, bleed, labels, slack)
        if cv2.countNonZero(eroded) >= min_px:
            kept = eroded
            break
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    kept |= cv2.dilate(kept, reach) & around.orphans[crop.window] & (1 - crop.mask) & valid
    kept = _without_foreign_outline(depth, crop, kept, bleed)
    return _without_strays(depth, crop, _without_flying(depth, crop, kept, bleed))


def _eroded(kept: Mask, crop: Crop, bleed: Bleed, labels: NDArray[np.uint16], slack_px: int) -> Mask:
    out = kept.copy()
    for neighbor, width in bleed.width_px.items():
        reach = width - slack_px
        if reach > 0:
            outside = ((labels == neighbor) & (crop.mask == 0)).astype(np.uint8)
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
            out &= 1 - cv2.dilate(outside, kernel)
    return out


def _without_foreign_outline(depth: DepthMap, crop: Crop, kept: Mask, bleed: Bleed) -> Mask:
    """Drop outline pixels that lie on the outer surface rather than on the object's.

    Both surfaces are extrapolated into the outline zone as planes. A pixel is dropped when the planes differ clearly
    and it is closer to the outer one, or when it is far from the inner one.
    """
    inside = cv2.distanceTransform(kept, cv2.DIST_L2, 5)
    zone = min(max(bleed.max_width_px, bleed.smear_px) + _ZONE_PX, float(inside.max()) / 2)
    core = (inside > zone).astype(np.float32)
    if cv2.countNonZero(core) < _MIN_KEPT_PX:
        return kept
    noise = depth.noise_rel or 0.0
    blur_px = _RING_BLUR_PX if noise > _NOISY_REL else 1
    slack = 3.0 * noise / np.sqrt(blur_px)
    disparity = depth.disparity[crop.window]
    outer = ((crop.mask == 0) & (disparity > 0)).astype(np.float32)
    at = np.flatnonzero((inside <= zone) & (kept > 0))
    inner_plane, inner_count = plane_value(Products.of(disparity * core, core), _WINDOW_PX, at)
    known = inner_count >= _MIN_FIT_PX
    at, inner_plane = at[known], inner_plane[known]
    outer_plane, outer_count = plane_value(Products.of(disparity * outer, outer), _OUTER_WINDOW_PX, at)
    scale = 1.0 / np.maximum(inner_plane, 1e-6)
    contrast = np.where(outer_count >= _MIN_FIT_PX, outer_plane * scale - 1.0, 0.0).astype(np.float32)
    deviation = (np.ascontiguousarray(disparity).ravel()[at] * scale - 1.0).astype(np.float32)
    if blur_px > 1:
        deviation = _along_rings(deviation, at, inside, blur_px)
    outer_side = deviation * np.sign(contrast) > 0.5 * np.abs(contrast)
    foreign = (np.abs(contrast) > _CONTRAST_REL + 2.5 * slack) & outer_side
    cleaned = kept.copy()
    cleaned.ravel()[at[foreign | (np.abs(deviation) > _DEVIATION_REL + slack)]] = 0
    return cleaned if cv2.countNonZero(cleaned) >= _MIN_KEPT_PX else kept


def _without_flying(depth: DepthMap, crop: Crop, kept: Mask, bleed: Bleed) -> Mask:
    """Drop pixels near the outline where the depth changes faster than any surface that can be seen.

    They are mixtures of the object's depth and that of its surroundings.
    """
    if not bleed.smear_px:
        return kept
    z_m = depth.z_m[crop.window]
    near, far = cv2.erode(np.where(kept > 0, z_m, np.float32(1e9)), _CROSS), cv2.dilate(z_m * kept, _CROSS)
    pixel_m = z_m / np.float32(depth.camera.fx)
    outline = cv2.distanceTransform(kept, cv2.DIST_L2, 3) <= bleed.smear_px + _ZONE_PX
    slack = np.float32(4.0 * (depth.noise_rel or 0.0)) * z_m
    flying = outline & (far - near > 2 * _STEEPEST * pixel_m + slack)
    cleaned = kept & (1 - flying.astype(np.uint8))
    return (
        cleaned if cv2.countNonZero(cleaned) >= max(_MIN_KEPT_PX, _STEEP_KEPT_SHARE * cv2.countNonZero(kept)) else kept
    )


def _along_rings(deviation: NDArray[np.float32], at: NDArray[np.intp], inside: Mask, size: int) -> NDArray[np.float32]:
    """Return n values averaged over neighbors at the same distance from the outline, one ring at a time.

    `at` says where they are in the flat image, `inside` (h, w) how far inside the outline each pixel is.
    """
    values, tested = np.zeros(inside.shape, np.float32), np.zeros(inside.shape, bool)
    values.ravel()[at], tested.ravel()[at] = deviation, True
    out = values.copy()
    for ring in range(1, _RINGS + 1):
        chosen = tested & (np.abs(inside - ring) <= 0.5)
        weight = chosen.astype(np.float32)
        mean = cv2.blur(values * weight, (size, size)) / np.maximum(cv2.blur(weight, (size, size)), 1e-6)
        out[chosen] = mean[chosen]
    return out.ravel()[at]


def _without_strays(depth: DepthMap, crop: Crop, kept: Mask) -> Mask:
    """Drop clusters of under 1 % of the pixels that a wide depth gap separates from the rest.

    A nearer cluster may hold up to 10 % if the gap also exceeds 1.5 times the depth spread of the rest: such a cluster
    is an occluder that was included in the mask.
    """
    z_m = depth.z_m[crop.window]
    if cv2.countNonZero(kept) < _MIN_KEPT_PX:
        return kept
    noise = 4.0 * (depth.noise_rel or 0.0)
    nearest, farthest, _, _ = cv2.minMaxLoc(z_m, kept)
    if farthest - nearest <= max(_STRAY_GAP_M, (_STRAY_GAP_REL + noise) * nearest):
        return kept  # nothing in it can be so wide a gap
    ordered = np.sort(z_m[kept > 0])
    last = len(ordered) - 1
    few, fringe = max(1, int(_STRAY_SHARE * last)), max(1, int(_FRINGE_SHARE * last))
    low, high, body_low, body_high = ordered[few], ordered[last - few], ordered[fringe], ordered[last - fringe]
    gap = max(_STRAY_GAP_M, (_STRAY_GAP_REL + noise) * float(low))
    wide = max(gap, (_FRINGE_GAP_REL + noise) * float(body_low), _FRINGE_SPREADS * float(body_high - body_low))
    near, far = ordered[:fringe][::-1], ordered[last - few + 1 :]
    floor = max(_edge(near[fringe - few :], low, -gap), _edge(near, body_low, -wide))
    return kept & ((z_m >= floor) & (z_m <= _edge(far, high, gap))).astype(np.uint8)


def _edge(tail: NDArray[np.float32], start: float, gap: float) -> float:
    """Return the last value of a sorted tail, from `start`, before a step larger than `gap`."""
    run = np.concatenate([[start], tail])
    breaks = np.flatnonzero(np.abs(np.diff(run)) > abs(gap))
    return float(run[breaks[0]] if len(breaks) else run[-1])


def sparse_kept(z_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of n sparse depths lie within 3 scaled MAD, 5 cm or 2 % of their median, whichever is largest."""
    middle = np.median(z_m)
    deviation = np.abs(z_m - middle)
    mad = 1.4826 * np.median(deviation)
    return deviation <= max(_SPARSE_MADS * mad, _SPARSE_MIN_M, _SPARSE_MIN_REL * middle)
