"""Matches masks: which region shows which object."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

SAME_OBJECT = 0.5
Region = Mapping[str, Any]


def overlaps(found: Sequence[Region], true: Sequence[Region], height: int, width: int) -> NDArray[np.float64]:
    """Return the intersection over union (n, m) of two lists of REGION structs of one image."""
    if not found or not true:
        return np.zeros((len(found), len(true)))
    one: Any = [_encoded(region, height, width) for region in found]
    two: Any = [_encoded(region, height, width) for region in true]
    return np.asarray(coco_mask.iou(one, two, [0] * len(two)), dtype=np.float64).reshape(len(found), len(true))


def spoken_of(found: Sequence[Region], true: Sequence[Region], height: int, width: int) -> dict[int, int]:
    """Return the index of the true object that each region mostly shows, if one covers at least half of it.

    An answer about half a table thus counts as one about the table, right or wrong.
    """
    if not found or not true:
        return {}
    one: Any = [_encoded(region, height, width) for region in found]
    two: Any = [_encoded(region, height, width) for region in true]
    # for a "crowd", COCO returns the intersection over the found mask alone
    shares = np.asarray(coco_mask.iou(one, two, [1] * len(two)), dtype=np.float64).reshape(len(found), len(true))
    best = shares.argmax(axis=1)
    return {i: int(j) for i, j in enumerate(best) if shares[i, j] >= SAME_OBJECT}


def _encoded(region: Region, height: int, width: int) -> dict[str, Any]:
    return {"size": [height, width], "counts": region["rle"].encode("ascii")}


def matches(overlap: NDArray[np.float64]) -> dict[int, int]:
    """Return the index of the true mask that each found mask shows; an overlap over a half makes it unique."""
    return {int(i): int(j) for i, j in zip(*np.nonzero(overlap > SAME_OBJECT), strict=True)}
