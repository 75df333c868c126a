"""How far masks bleed over their objects' outlines: depth steps along the outline, seen across it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import Crop, Mask

BACKGROUND = 0
_OUTSIDE_PX, _INSIDE_PX = 6, 10
_WIDEST_PX = 6
_TANGENT_PX = 4
_MOST_PROFILES, _MOST_PROFILES_NOISY = 140, 600
_SHORTEST_PX = 12
_NOISY_REL = 0.003
_GROUP = 6  # neighbouring profiles that are averaged under noise
_STEP_REL = 0.025
_STEP_SIGMAS = 5.0
_FEWEST_VOTES, _FEWEST_GROUPS = 8, 3
_AGREE = 0.6
_WIDTH_SHARE = 0.7
_INWARD_SHARE = 0.2


@dataclass(frozen=True)
class Steps:
    """Depth steps across an outline: px inside it (0 = on it), and whose pixels lie outside there (0 = nobody's)."""

    offset_px: NDArray[np.int_]
    neighbour: NDArray[np.int_]


@dataclass(frozen=True)
class Bleed:
    """Pixels by which a mask reaches beyond its object, by what lies outside: 0 is background, else another mask."""

    width_px: dict[int, int]

    @property
    def widest_px(self) -> int:
        """Return the largest width."""
        return max(self.width_px.values(), default=0)


EXACT = Bleed({})


def bleeds(depth: DepthMap, crops: list[Crop], labels: NDArray[np.uint16], overlap: bool) -> list[Bleed]:
    """Return the bleed of every mask, numbered from 1 in `labels` (h, w).

    All steps toward the background together say whether the photograph's masks bleed at all; then each mask takes its
    own where it has enough. Toward another mask there is bleed only where steps show it, unless masks overlap, and so
    bleed everywhere alike.
    """
    first = [_steps(depth, crop, crop.mask, labels) for crop in crops]
    free = [_toward(steps, BACKGROUND) for steps in first]
    shared = _shared_width(first)
    if shared == 0:
        return [EXACT] * len(crops)
    out = []
    for crop, offsets in zip(crops, free, strict=True):
        background = _width(offsets) if _settled(offsets, _FEWEST_VOTES) else shared
        widths = {BACKGROUND: background, **_toward_masks(depth, crop, labels, background, overlap)}
        out.append(Bleed({k: w for k, w in widths.items() if w > 0}))
    return out


def _toward_masks(
    depth: DepthMap, crop: Crop, labels: NDArray[np.uint16], background: int, overlap: bool
) -> dict[int, int]:
    """Return the bleed toward each mask around this one, given that toward the background."""
    around = labels[crop.window]
    touching = [int(k) for k in np.unique(around[crop.mask == 0]) if k != BACKGROUND]
    if not touching:
        return {}
    steps = _steps(depth, crop, without_slivers(crop, around, background), labels)
    widths = {}
    for other in touching:
        votes = _toward(steps, other)
        settled = _settled(votes, _FEWEST_GROUPS)
        widths[other] = min(_width(votes), background + 1) if settled else background * overlap
    return widths


def _shared_width(steps: list[Steps]) -> int:
    """Return the bleed of a photograph's masks together.

    Steps toward the background decide. Where masks border only on each other some have grown over others, so there the
    usual inward step does, when a fair share of all steps lies around it.
    """
    offsets = np.concatenate([s.offset_px for s in steps]) if steps else np.empty(0, int)
    neighbours = np.concatenate([s.neighbour for s in steps]) if steps else np.empty(0, int)
    free, shared = offsets[neighbours == BACKGROUND], offsets[neighbours != BACKGROUND]
    if len(free) >= _FEWEST_VOTES:
        return _width(free)
    inward = shared[(shared > 0) & (shared <= _WIDEST_PX)]
    peak = np.count_nonzero(np.abs(inward - _mode(inward)) <= 1)
    if len(inward) < _FEWEST_VOTES or peak < _INWARD_SHARE * len(shared):
        return 0
    return _width(inward)


def without_slivers(crop: Crop, labels: NDArray[np.uint16], width_px: int) -> Mask:
    """Return a bled mask without parts next to other masks that are thinner than the bleed.

    Where masks grow into each other, one leaves such slivers in the other. `labels` is the crop's window.
    """
    if width_px < 2:
        return crop.mask
    size = 2 * width_px - 1
    opened = cv2.morphologyEx(crop.mask, cv2.MORPH_OPEN, _disc(size), borderType=cv2.BORDER_REPLICATE)
    others = ((labels > 0) & (crop.mask == 0)).astype(np.uint8)
    near = cv2.dilate(others, _disc(4 * width_px + 1))
    return crop.mask & (opened | (1 - near))


def orphans(crops: list[Crop], labels: NDArray[np.uint16], found: list[Bleed]) -> Mask:
    """Return (h, w) with the slivers that masks have left in each other: pixels that now belong to no mask."""
    out = np.zeros(labels.shape, np.uint8)
    for crop, bleed in zip(crops, found, strict=True):
        if bleed.width_px:
            window = labels[crop.window]
            out[crop.window] |= crop.mask & (1 - without_slivers(crop, window, bleed.width_px.get(BACKGROUND, 0)))
    return out


def _disc(size: int) -> Mask:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def _toward(steps: Steps, neighbour: int) -> NDArray[np.int_]:
    return steps.offset_px[steps.neighbour == neighbour]


def _settled(offsets: NDArray[np.int_], fewest: int) -> bool:
    return len(offsets) >= fewest and float(np.mean(np.abs(offsets - _mode(offsets)) <= 1)) >= _AGREE


def _mode(offsets: NDArray[np.int_]) -> int:
    """Return the commonest step, in px inside the outline, 0 for one on it or outside.

    Objects have steps of their own at any place, so a mean or a median would be drawn to them; bleed is a peak.
    """
    inward = np.maximum(offsets, 0)[(offsets >= -1) & (offsets <= _WIDEST_PX)]
    return int(np.argmax(np.bincount(inward))) if len(inward) else 0


def _width(offsets: NDArray[np.int_]) -> int:
    """Return the bleed of a peak: its 70th percentile, since a foreign pixel harms more than a lost one."""
    mode = _mode(offsets)
    if mode == 0:
        return 0
    return min(_WIDEST_PX, round(float(np.quantile(offsets[np.abs(offsets - mode) <= 1], _WIDTH_SHARE))))


def _steps(depth: DepthMap, crop: Crop, mask: Mask, labels: NDArray[np.uint16]) -> Steps:
    """Return the clear depth steps across a mask's outlines, holes included."""
    noise = depth.noise_rel or 0.0
    noisy = noise > _NOISY_REL
    at, neighbour = _profile_places(crop, mask, labels, _MOST_PROFILES_NOISY if noisy else _MOST_PROFILES)
    if not len(at):
        return Steps(np.empty(0, int), np.empty(0, int))
    profiles = _sampled(depth, crop, at)
    if noisy:
        groups = len(profiles) // _GROUP
        profiles = profiles[: groups * _GROUP].reshape(groups, _GROUP, -1).mean(axis=1)
        neighbour = neighbour[_GROUP // 2 :: _GROUP][:groups]
        noise /= np.sqrt(_GROUP)
    offset, clear = _largest_steps(profiles, noise, 3 if noisy else 1)
    return Steps(offset[clear], neighbour[clear])


def _profile_places(
    crop: Crop, mask: Mask, labels: NDArray[np.uint16], most: int
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return pixel places (n, k, 2) of profiles across the outlines, crop frame, and what lies outside each."""
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [c[:, 0, :].astype(np.float64) for c in contours if len(c) >= _SHORTEST_PX]
    if not outlines:
        return np.empty((0, 1, 2)), np.empty(0, int)
    tangents = [np.roll(o, -_TANGENT_PX, axis=0) - np.roll(o, _TANGENT_PX, axis=0) for o in outlines]
    outline, tangent = np.concatenate(outlines), np.concatenate(tangents)
    stride = max(1, len(outline) // most)
    outline, tangent = outline[::stride], tangent[::stride]
    # OpenCV runs outlines with the mask on their left on screen, holes the other way round
    inward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    inward /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    reach = np.arange(-_OUTSIDE_PX, _INSIDE_PX + 1)
    at = outline[:, None, :] + inward[:, None, :] * reach[None, :, None]
    outside = np.rint(outline - 1.5 * inward).astype(int)
    height, width = labels.shape
    row = np.clip(outside[:, 1] + crop.rows.start, 0, height - 1)
    neighbour = labels[row, np.clip(outside[:, 0] + crop.columns.start, 0, width - 1)]
    return at, neighbour.astype(int)


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
    """Return the place of the largest jump of each profile (n, k), and whether it is a clear one.

    A jump is the difference of the means of `window` values on either side; slopes give the same one everywhere, so a
    clear jump stands out from the profile's median.
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
