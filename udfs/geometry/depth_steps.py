"""Reads depth along lines across mask outlines and finds its steps."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import Crop, Mask

_OUTSIDE_PX, _INSIDE_PX = 6, 10
_TANGENT_PX = 4
_MAX_PROFILES, _MAX_PROFILES_NOISY = 140, 600
_MIN_OUTLINE_PX = 12
_NOISY_REL = 0.003
_GROUP = 6  # adjacent profiles averaged together when depth is noisy
_STEP_REL = 0.025
_STEP_SIGMAS = 5.0
_HIGH_STEP_REL, _UNSETTLED = 0.10, 0.15
_LINE_PX = 5  # the innermost pixels, which no sensor mixes with the surroundings
_NO_PROFILES = np.empty((0, _OUTSIDE_PX + _INSIDE_PX + 1))
_CLEAN_STEP = 1.5  # a step that exceeds all others by this factor is no mixture, which has several


@dataclass(frozen=True)
class Steps:
    """Depth steps across an outline: distance inside it in px (0 = on it) and label of the adjacent region.

    `inward` (n, k) holds the profiles of 1 / z that end on the object; none where depth is noisy.
    """

    offset_px: NDArray[np.int_]
    neighbor: NDArray[np.int_]
    inward: NDArray[np.float64]


def steps_across(depth: DepthMap, crop: Crop, mask: Mask, labels: NDArray[np.uint16]) -> Steps:
    """Return the significant depth steps across a mask's outlines, including those of its holes."""
    noise = depth.noise_rel or 0.0
    noisy = noise > _NOISY_REL
    at, neighbor = _profile_positions(crop, mask, labels, _MAX_PROFILES_NOISY if noisy else _MAX_PROFILES)
    if not len(at):
        return Steps(np.empty(0, int), np.empty(0, int), _NO_PROFILES)
    profiles = _sampled(depth, crop, at)
    inward = _NO_PROFILES if noisy else profiles[_stays_inside(mask, at)]
    if noisy:
        groups = len(profiles) // _GROUP
        profiles = profiles[: groups * _GROUP].reshape(groups, _GROUP, -1).mean(axis=1)
        neighbor = neighbor[_GROUP // 2 :: _GROUP][:groups]
        noise /= np.sqrt(_GROUP)
    offset, clear = _largest_steps(profiles, noise, 3 if noisy else 1)
    return Steps(offset[clear], neighbor[clear], inward)


def _stays_inside(mask: Mask, at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of n profiles end on the object: one across a chair's leg leaves it again."""
    u, v = np.rint(at[:, _OUTSIDE_PX:, 0]).astype(int), np.rint(at[:, _OUTSIDE_PX:, 1]).astype(int)
    height, width = mask.shape
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    return (inside & (mask[np.where(inside, v, 0), np.where(inside, u, 0)] > 0)).all(axis=1)


def settled_px(profiles: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return for each profile (n, k) with a high step where it has come within 15 % of the step of the object, px.

    The object is the line through the inner end of the profile: 1 / z of a surface seen at a grazing angle changes
    from pixel to pixel, and is no mixture for that. Nor is what changes far less than the step on the outline itself:
    that is another face of the object.
    """
    at = np.arange(profiles.shape[1], dtype=np.float64) - _OUTSIDE_PX
    end = at[-_LINE_PX:]
    inner = profiles[:, -_LINE_PX:]
    with np.errstate(invalid="ignore"):
        slope = (inner * (end - end.mean())).sum(axis=1) / ((end - end.mean()) ** 2).sum()
        line = inner.mean(axis=1)[:, None] + slope[:, None] * (at - end.mean())
        outer = profiles[:, 0]
        step = line[:, _OUTSIDE_PX] - outer
        high = np.isfinite(profiles).all(axis=1) & (step > _HIGH_STEP_REL * outer)
        share = (line[high] - profiles[high]) / step[high, None]
    apart = np.abs(share) > _UNSETTLED
    settled = profiles.shape[1] - np.argmax(apart[:, ::-1], axis=1) - _OUTSIDE_PX
    changes = np.abs(np.diff(share[:, _OUTSIDE_PX - 1 :], axis=1))
    on_outline, inward = changes[:, 0], changes[:, 1:]
    unsettled = np.arange(inward.shape[1]) < settled[:, None]
    clean = on_outline >= _CLEAN_STEP * np.where(unsettled, inward, 0.0).max(axis=1)
    return np.where(clean, np.minimum(settled, 0), settled)


def _profile_positions(
    crop: Crop, mask: Mask, labels: NDArray[np.uint16], max_profiles: int
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return positions (n, k, 2) of profiles across the outlines, crop px, and the label outside each (n,)."""
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [c[:, 0, :].astype(np.float64) for c in contours if len(c) >= _MIN_OUTLINE_PX]
    if not outlines:
        return np.empty((0, 1, 2)), np.empty(0, int)
    tangents = [np.roll(o, -_TANGENT_PX, axis=0) - np.roll(o, _TANGENT_PX, axis=0) for o in outlines]
    outline, tangent = np.concatenate(outlines), np.concatenate(tangents)
    stride = max(1, len(outline) // max_profiles)
    outline, tangent = outline[::stride], tangent[::stride]
    # OpenCV orders outlines with the mask on the left as displayed; holes run the other way
    inward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    inward /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    reach = np.arange(-_OUTSIDE_PX, _INSIDE_PX + 1)
    at = outline[:, None, :] + inward[:, None, :] * reach[None, :, None]
    outside = np.rint(outline - 1.5 * inward).astype(int)
    height, width = labels.shape
    row = np.clip(outside[:, 1] + crop.rows.start, 0, height - 1)
    neighbor = labels[row, np.clip(outside[:, 0] + crop.columns.start, 0, width - 1)]
    return at, neighbor.astype(int)


def _sampled(depth: DepthMap, crop: Crop, at: NDArray[np.float64]) -> NDArray[np.float64]:
    u = np.rint(at[..., 0]).astype(int) + crop.columns.start
    v = np.rint(at[..., 1]).astype(int) + crop.rows.start
    height, width = depth.disparity.shape
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    values = depth.disparity[np.where(inside, v, 0), np.where(inside, u, 0)].astype(np.float64)
    values[~inside | (values <= 0)] = np.nan
    return values


def _largest_steps(
    profiles: NDArray[np.float64], noise_rel: float, window: int
) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """Return the offset in px of the largest jump of each profile (n, k), and whether it is significant.

    A jump is the difference of the means of `window` values on either side. A slope has the same jump everywhere, so
    a significant jump must exceed the profile's median jump.
    """
    whole = np.asarray(np.isfinite(profiles).all(axis=1))
    filled = np.where(whole[:, None], profiles, 1.0)
    sums = np.cumsum(np.pad(filled, ((0, 0), (1, 0))), axis=1)
    means = (sums[:, window:] - sums[:, :-window]) / window
    jumps = np.abs(means[:, window:] - means[:, :-window])
    place = np.argmax(jumps, axis=1)
    limit = max(_STEP_REL, _STEP_SIGMAS * noise_rel * np.sqrt(2.0 / window)) * filled.min(axis=1)
    clear = whole & (jumps[np.arange(len(jumps)), place] > limit + (4 if window == 1 else 2) * np.median(jumps, axis=1))
    return place + window - _OUTSIDE_PX, clear
