"""Which pixels of a mask are the object's: bleed, flying pixels and stray clusters go."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.bleed import BACKGROUND, Bleed, without_slivers
from udfs.geometry.denoising import local_plane
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import Crop, Mask

_LEAST_KEPT_SHARE = 0.15
_LEAST_KEPT_PX = 50
_ZONE_PX = 2.0  # beyond the bleed, in which an outline is judged against the interior
_WINDOW_PX, _OUTER_WINDOW_PX = 21, 15
_FEWEST_CORE = 12.0
_AWAY_REL, _CONTRAST_REL = 0.04, 0.015
_RING_BLUR_PX, _RINGS = 7, 4
_NOISY_REL = 0.003
_STRAY_SHARE = 0.01
_STRAY_GAP_REL, _STRAY_GAP_M = 0.05, 0.10
_FRINGE_SHARE, _FRINGE_GAP_REL, _FRINGE_SPREADS = 0.10, 0.10, 1.5
_SPARSE_MADS = 3.0
_SPARSE_LEAST_M, _SPARSE_LEAST_REL = 0.05, 0.02


@dataclass(frozen=True)
class Surroundings:
    """The photograph's mask numbers `labels` (h, w), and `orphans` (h, w), slivers taken from the mask they had."""

    labels: NDArray[np.uint16]
    orphans: Mask


def kept_mask(depth: DepthMap, crop: Crop, bleed: Bleed, around: Surroundings) -> Mask:
    """Return the crop's mask without bleed and without pixels that have no depth.

    Each stretch of outline moves in by the bleed toward what lies outside it; slivers that other masks have left in
    this one come back to it. Beyond the picture's border nothing is outside, so an edge that the border cuts stays.
    """
    valid = (depth.z_m[crop.window] > 0).astype(np.uint8)
    kept = crop.mask & valid
    if not bleed.width_px:
        return _without_strays(depth, crop, kept)
    width, labels = bleed.width_px.get(BACKGROUND, 0), around.labels[crop.window]
    kept &= without_slivers(crop, labels, width)
    least = max(_LEAST_KEPT_PX, int(_LEAST_KEPT_SHARE * crop.area_px))
    for slack in range(bleed.widest_px + 1):
        thinner = _moved_in(kept, crop, bleed, labels, slack)
        if cv2.countNonZero(thinner) >= least:
            kept = thinner
            break
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    kept |= cv2.dilate(kept, reach) & around.orphans[crop.window] & (1 - crop.mask) & valid
    return _without_strays(depth, crop, _without_far_outline(depth, crop, kept, bleed))


def _moved_in(kept: Mask, crop: Crop, bleed: Bleed, labels: NDArray[np.uint16], slack_px: int) -> Mask:
    out = kept.copy()
    for neighbour, width in bleed.width_px.items():
        reach = width - slack_px
        if reach > 0:
            outside = ((labels == neighbour) & (crop.mask == 0)).astype(np.uint8)
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
            out &= 1 - cv2.dilate(outside, kernel)
    return out


def _without_far_outline(depth: DepthMap, crop: Crop, kept: Mask, bleed: Bleed) -> Mask:
    """Drop outline pixels that lie on what is outside rather than on the surface that the interior goes on to.

    Both surfaces are continued into the outline as planes. A pixel goes when it is nearer to the outer one, where the
    two can be told apart, and wherever it is far from the inner one.
    """
    inside = cv2.distanceTransform(kept, cv2.DIST_L2, 5)
    zone = min(bleed.widest_px + _ZONE_PX, float(inside.max()) / 2)
    core = (inside > zone).astype(np.float32)
    if cv2.countNonZero(core) < _LEAST_KEPT_PX:
        return kept
    noise = depth.noise_rel or 0.0
    blur_px = _RING_BLUR_PX if noise > _NOISY_REL else 1
    slack = 3.0 * noise / np.sqrt(blur_px)
    disparity = depth.disparity[crop.window]
    outer = ((crop.mask == 0) & (disparity > 0)).astype(np.float32)
    inner_plane, _, inner_count = local_plane(disparity * core, core, _WINDOW_PX)
    outer_plane, _, outer_count = local_plane(disparity * outer, outer, _OUTER_WINDOW_PX)
    known = (inner_count >= _FEWEST_CORE) & (inside <= zone) & (kept > 0)
    both = known & (outer_count >= _FEWEST_CORE)
    scale = 1.0 / np.maximum(inner_plane, 1e-6)
    contrast = np.where(both, outer_plane * scale - 1.0, 0.0).astype(np.float32)
    away = np.where(known, disparity * scale - 1.0, 0.0).astype(np.float32)
    if blur_px > 1:
        away = _along_rings(away, inside, known, blur_px)
    foreign = (np.abs(contrast) > _CONTRAST_REL + 2.5 * slack) & (away * np.sign(contrast) > 0.5 * np.abs(contrast))
    own = kept & (1 - (known & (foreign | (np.abs(away) > _AWAY_REL + slack))).astype(np.uint8))
    return own if cv2.countNonZero(own) >= _LEAST_KEPT_PX else kept


def _along_rings(values: NDArray[np.float32], inside: Mask, known: NDArray[np.bool_], size: int) -> NDArray[np.float32]:
    """Return values averaged over neighbours that are as far from the outline, so that rings do not mix."""
    out = values.copy()
    for ring in range(1, _RINGS + 1):
        chosen = known & (np.abs(inside - ring) <= 0.5)
        weight = chosen.astype(np.float32)
        mean = cv2.blur(values * weight, (size, size)) / np.maximum(cv2.blur(weight, (size, size)), 1e-6)
        out[chosen] = mean[chosen]
    return out


def _without_strays(depth: DepthMap, crop: Crop, kept: Mask) -> Mask:
    """Drop clusters of under 1 % of the pixels that a wide gap in depth parts from the rest.

    A nearer cluster may hold up to 10 % when the gap is also wide beside the rest's own spread: it is what stands in
    front of the object and was drawn into its mask.
    """
    z_m = depth.z_m[crop.window]
    values = z_m[kept > 0]
    if len(values) < _LEAST_KEPT_PX:
        return kept
    last = len(values) - 1
    few, fringe = max(1, int(_STRAY_SHARE * last)), max(1, int(_FRINGE_SHARE * last))
    ends = np.partition(values, (few, fringe, last - fringe, last - few))
    low, high, body_low, body_high = ends[few], ends[last - few], ends[fringe], ends[last - fringe]
    noise = 4.0 * (depth.noise_rel or 0.0)
    gap = max(_STRAY_GAP_M, (_STRAY_GAP_REL + noise) * float(low))
    wide = max(gap, (_FRINGE_GAP_REL + noise) * float(body_low), _FRINGE_SPREADS * float(body_high - body_low))
    near, far = np.sort(ends[:fringe])[::-1], np.sort(ends[last - few + 1 :])
    floor = max(_edge(near[fringe - few :], low, -gap), _edge(near, body_low, -wide))
    return kept & ((z_m >= floor) & (z_m <= _edge(far, high, gap))).astype(np.uint8)


def _edge(tail: NDArray[np.float32], start: float, gap: float) -> float:
    """Return how far a sorted tail reaches from `start` before a step larger than `gap`."""
    run = np.concatenate([[start], tail])
    breaks = np.flatnonzero(np.abs(np.diff(run)) > abs(gap))
    return float(run[breaks[0]] if len(breaks) else run[-1])


def sparse_kept(z_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of n depths of a sparse map agree with their median, within 3 scaled MAD and at least 5 cm."""
    middle = np.median(z_m)
    away = np.abs(z_m - middle)
    mad = 1.4826 * np.median(away)
    return away <= max(_SPARSE_MADS * mad, _SPARSE_LEAST_M, _SPARSE_LEAST_REL * middle)
