"""Crops of objects from the full-size image, with their masks: what the namer sees of them."""

import cv2
import numpy as np
from numpy.typing import NDArray

# Sides of a crop over the longer side of the mask's box.
CONTEXT = 1.25
_MIN_SIDE_PX = 16.0
_BEYOND = 114


def crop_of(rgb: NDArray[np.uint8], mask: NDArray[np.bool_], size_px: int, context: float) -> NDArray[np.uint8]:
    """Return a square crop [size, size, 4] about a mask: RGB, and the mask as 0 or 255; gray beyond the image.

    `rgb` [h, w, 3] and `mask` [h, w], not empty, have the same size; the crop's side is `context` times the longer
    side of the mask's box.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    longer_px = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    side = round(max(context * longer_px, _MIN_SIDE_PX))
    top, left = (int(first + last + 1 - side) // 2 for first, last in ((rows[0], rows[-1]), (columns[0], columns[-1])))
    square = np.full((side, side, 4), (_BEYOND, _BEYOND, _BEYOND, 0), np.uint8)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + side, mask.shape[0]), min(left + side, mask.shape[1])
    inside = square[y0 - top : y1 - top, x0 - left : x1 - left]
    inside[..., :3] = rgb[y0:y1, x0:x1]
    inside[..., 3] = 255 * mask[y0:y1, x0:x1]
    interpolation = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size_px, size_px), interpolation=interpolation), np.uint8)
