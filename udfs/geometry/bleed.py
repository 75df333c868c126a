"""Estimates how far masks extend beyond their objects, from the depth steps across each mask outline."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from udfs.geometry.depth_map import DepthMap
from udfs.geometry.depth_steps import Steps, settled_px, steps_across
from udfs.geometry.masks import Crop, Mask

BACKGROUND = 0
_MAX_WIDTH_PX = 6
_MIN_VOTES, _MIN_GROUPS = 8, 3
_MIN_AGREEMENT = 0.6
_WIDTH_QUANTILE = 0.7
_MIN_INWARD_SHARE = 0.2
_MIN_SETTLED, _SETTLED_QUANTILE, _MIN_SMEAR_PX = 20, 0.6, 2


@dataclass(frozen=True)
class Bleed:
    """Width in px by which a mask extends beyond its object, per adjacent label (0 = background, else a mask).

    `smear_px` is how far inside its outline the sensor may mix the object's depth with that of its surroundings.
    """

    width_px: dict[int, int]
    smear_px: int = 0

    @property
    def max_width_px(self) -> int:
        """Return the largest width, 0 without bleed."""
        return max(self.width_px.values(), default=0)


EXACT = Bleed({})


def bleeds(depth: DepthMap, crops: list[Crop], labels: NDArray[np.uint16], overlap: bool) -> list[Bleed]:
    """Return the bleed of every mask; `labels` (h, w) numbers the masks from 1.

    The steps toward the background, pooled over the image, decide whether its masks bleed at all. A mask with enough
    steps of its own then gets its own width. Toward another mask, bleed is assumed only where steps show it or where
    masks overlap.
    """
    steps = steps_across(depth, [(crop, crop.mask) for crop in crops], labels)
    shared = _shared_width(steps)
    smear = _smear(steps)
    if shared == 0 and smear < _MIN_SMEAR_PX:
        return [EXACT] * len(crops)
    smear = smear if smear >= _MIN_SMEAR_PX else 0
    if shared == 0:
        return [Bleed({}, smear)] * len(crops)
    out = []
    for crop, crop_steps in zip(crops, steps, strict=True):
        offsets = _toward(crop_steps, BACKGROUND)
        background = _width(offsets) if _agreed(offsets, _MIN_VOTES) else shared
        widths = {BACKGROUND: background, **_toward_masks(depth, crop, labels, background, overlap)}
        out.append(Bleed({k: w for k, w in widths.items() if w > 0}, smear))
    return out


def _smear(steps: list[Steps]) -> int:
    """Return how far inside the outlines of an image a sensor that smears edges still mixes both depths, px."""
    settled = settled_px(np.concatenate([s.inward for s in steps])) if steps else np.empty(0, int)
    if len(settled) < _MIN_SETTLED:
        return 0
    return min(_MAX_WIDTH_PX, int(np.quantile(settled, _SETTLED_QUANTILE)))


def _toward_masks(
    depth: DepthMap, crop: Crop, labels: NDArray[np.uint16], background: int, overlap: bool
) -> dict[int, int]:
    """Return the bleed toward each adjacent mask; `background` is the bleed toward the background, px."""
    window_labels = labels[crop.window]
    touching = [int(k) for k in np.unique(window_labels[crop.mask == 0]) if k != BACKGROUND]
    if not touching:
        return {}
    (steps,) = steps_across(depth, [(crop, without_slivers(crop, window_labels, background))], labels)
    widths = {}
    for other in touching:
        votes = _toward(steps, other)
        agreed = _agreed(votes, _MIN_GROUPS)
        widths[other] = min(_width(votes), background + 1) if agreed else background * overlap
    return widths


def _shared_width(steps: list[Steps]) -> int:
    """Return the bleed width pooled over an image's masks, px.

    Steps toward the background decide. If masks border only on each other, some have grown over others: then the most
    common inward step decides, provided that at least 20 % of all steps lie near it.
    """
    offsets = np.concatenate([s.offset_px for s in steps]) if steps else np.empty(0, int)
    neighbors = np.concatenate([s.neighbor for s in steps]) if steps else np.empty(0, int)
    free, shared = offsets[neighbors == BACKGROUND], offsets[neighbors != BACKGROUND]
    if len(free) >= _MIN_VOTES:
        return _width(free)
    inward = shared[(shared > 0) & (shared <= _MAX_WIDTH_PX)]
    peak = np.count_nonzero(np.abs(inward - _mode(inward)) <= 1)
    if len(inward) < _MIN_VOTES or peak < _MIN_INWARD_SHARE * len(shared):
        return 0
    return _width(inward)


def without_slivers(crop: Crop, labels: NDArray[np.uint16], width_px: int) -> Mask:
    """Return the mask without the parts that border on other masks and are thinner than the bleed.

    Masks that grow into each other leave such slivers. `labels` is the label map of the crop's window.
    """
    if width_px < 2:
        return crop.mask
    size = 2 * width_px - 1
    opened = cv2.morphologyEx(crop.mask, cv2.MORPH_OPEN, _disc(size), borderType=cv2.BORDER_REPLICATE)
    others = ((labels > 0) & (crop.mask == 0)).astype(np.uint8)
    near = cv2.dilate(others, _disc(4 * width_px + 1))
    return crop.mask & (opened | (1 - near))


def orphans(crops: list[Crop], labels: NDArray[np.uint16], mask_bleeds: list[Bleed]) -> Mask:
    """Return (h, w) with the removed slivers: pixels that no longer belong to any mask."""
    out = np.zeros(labels.shape, np.uint8)
    for crop, bleed in zip(crops, mask_bleeds, strict=True):
        if bleed.width_px:
            window = labels[crop.window]
            out[crop.window] |= crop.mask & (1 - without_slivers(crop, window, bleed.width_px.get(BACKGROUND, 0)))
    return out


def _disc(size: int) -> Mask:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def _toward(steps: Steps, neighbor: int) -> NDArray[np.int_]:
    return steps.offset_px[steps.neighbor == neighbor]


def _agreed(offsets: NDArray[np.int_], min_count: int) -> bool:
    return len(offsets) >= min_count and float(np.mean(np.abs(offsets - _mode(offsets)) <= 1)) >= _MIN_AGREEMENT


def _mode(offsets: NDArray[np.int_]) -> int:
    """Return the most common offset in px; 0 means on the outline or outside it.

    Bleed shows as a peak. Depth steps within the objects lie anywhere, so they would bias a mean or a median.
    """
    inward = np.maximum(offsets, 0)[(offsets >= -1) & (offsets <= _MAX_WIDTH_PX)]
    return int(np.argmax(np.bincount(inward))) if len(inward) else 0


def _width(offsets: NDArray[np.int_]) -> int:
    """Return the 70th percentile around the peak: a foreign pixel does more harm than a lost one."""
    mode = _mode(offsets)
    if mode == 0:
        return 0
    return min(_MAX_WIDTH_PX, round(float(np.quantile(offsets[np.abs(offsets - mode) <= 1], _WIDTH_QUANTILE))))
