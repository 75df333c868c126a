"""Reads depth along lines across mask outlines and finds its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


_NO_STEPS = Steps(np.empty(0, int), np.empty(0, int), _NO_PROFILES)


class _Profiles(NamedTuple):
    """Lines across outlines: n outline pixels (n, 2), crop px, and the unit direction into the object there."""

    outline: NDArray[np.float64]
    inward: NDArray[np.float64]

    def pixels(self) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return columns and rows (n, k) of the pixels of each line, from outside to inside, crop px."""
        reach = np.arange(-_OUTSIDE_PX, _INSIDE_PX + 1)
        u, v = (np.rint(self.outline[:, k, None] + self.inward[:, k, None] * reach).astype(int) for k in (0, 1))
        return u, v


def steps_across(depth: DepthMap, outlined: Sequence[tuple[Crop, Mask]], labels: NDArray[np.uint16]) -> list[Steps]:
    """Return the significant depth steps across the outlines of each mask, including those of its holes.

    All profiles of an image are read and compared at once: they are few and short.
    """
    noise = depth.noise_rel or 0.0
    noisy = noise > _NOISY_REL
    drawn = [_profiles_of(mask, _MAX_PROFILES_NOISY if noisy else _MAX_PROFILES) for _, mask in outlined]
    counts = np.array([len(one.outline) for one in drawn], int)
    if not counts.sum():
        return [_NO_STEPS] * len(outlined)
    lines = _Profiles(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))
    crops = [crop for crop, _ in outlined]
    start = np.repeat([(crop.columns.start, crop.rows.start) for crop in crops], counts, axis=0)
    neighbor = _neighbors(lines, start, labels)
    u, v = lines.pixels()
    profiles = _sampled(depth, u + start[:, :1], v + start[:, 1:])
    ends = np.cumsum(counts)[:-1]
    inward = [_NO_PROFILES] * len(crops)
    if not noisy:
        stays = _stays_inside([mask for _, mask in outlined], counts, u[:, _OUTSIDE_PX:], v[:, _OUTSIDE_PX:])
        inward = [own[kept] for own, kept in zip(np.split(profiles, ends), np.split(stays, ends), strict=True)]
    neighbors = np.split(neighbor, ends)
    if noisy:
        groups = counts // _GROUP
        profiles = np.concatenate([_averaged(own) for own in np.split(profiles, ends)])
        neighbors = [own[_GROUP // 2 :: _GROUP][:number] for own, number in zip(neighbors, groups, strict=True)]
        noise /= np.sqrt(_GROUP)
        ends = np.cumsum(groups)[:-1]
    offset, clear = _largest_steps(profiles, noise, 3 if noisy else 1)
    return [
        Steps(own[sure], beside[sure], within)
        for own, sure, beside, within in zip(
            np.split(offset, ends), np.split(clear, ends), neighbors, inward, strict=True
        )
    ]


def _averaged(profiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of groups of adjacent profiles (n, k); the last few are left out."""
    groups = len(profiles) // _GROUP
    return profiles[: groups * _GROUP].reshape(groups, _GROUP, profiles.shape[1]).mean(axis=1)


def _stays_inside(
    masks: Sequence[Mask], counts: NDArray[np.int_], u: NDArray[np.int_], v: NDArray[np.int_]
) -> NDArray[np.bool_]:
    """Return which of n profiles end on the object: one across a chair's leg leaves it again.

    `u`, `v` (n, k) are crop px, and `counts` the numbers of profiles of the masks, in their order.
    """
    shapes = np.array([mask.shape for mask in masks])
    first = np.cumsum([0, *(mask.size for mask in masks)])[:-1]
    height, width = (np.repeat(side, counts)[:, None] for side in shapes.T)
    inside = (u >= 0) & (v >= 0) & (u < width) & (v < height)
    place = np.where(inside, np.repeat(first, counts)[:, None] + v * width + u, 0)
    flat = np.concatenate([mask.ravel() for mask in masks])
    return np.asarray((inside & (flat[place] > 0)).all(axis=1))


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


def _profiles_of(mask: Mask, max_profiles: int) -> _Profiles:
    """Return profiles across the outlines of a mask, evenly along them."""
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [c[:, 0, :] for c in contours if len(c) >= _MIN_OUTLINE_PX]
    if not outlines:
        return _Profiles(np.empty((0, 2)), np.empty((0, 2)))
    stride = max(1, sum(len(o) for o in outlines) // max_profiles)
    ahead, behind = ([part for o in outlines for part in (o[k:], o[:k])] for k in (_TANGENT_PX, -_TANGENT_PX))
    outline = np.concatenate(outlines)[::stride].astype(np.float64)
    tangent = np.concatenate(ahead)[::stride].astype(np.float64) - np.concatenate(behind)[::stride]
    # OpenCV orders outlines with the mask on the left as displayed; holes run the other way
    inward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    inward /= np.maximum(np.sqrt((tangent * tangent).sum(axis=1, keepdims=True)), 1e-9)
    return _Profiles(outline, inward)


def _neighbors(lines: _Profiles, start: NDArray[np.int_], labels: NDArray[np.uint16]) -> NDArray[np.int_]:
    """Return the label just outside each of n outline pixels, whose crops start at `start` (n, 2), px."""
    outside = np.rint(lines.outline - 1.5 * lines.inward).astype(int) + start
    height, width = labels.shape
    return labels[np.clip(outside[:, 1], 0, height - 1), np.clip(outside[:, 0], 0, width - 1)].astype(int)


def _sampled(depth: DepthMap, u: NDArray[np.int_], v: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return 1 / z at pixels of the image, NaN outside it and without depth."""
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
