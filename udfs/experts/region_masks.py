"""From overlapping boxes and masks to regions that share no pixel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from udfs.experts.pictures import Picture
from udfs.experts.region_parts import Detections, Rle


def clipped(found: Detections, size: tuple[int, int]) -> Detections:
    """Return detections with boxes cut at the picture's border of `size` (width, height) px; empty boxes are left out.

    Raises:
        ValueError: a box or a score is not finite.
    """
    if not (np.isfinite(found.boxes_px).all() and np.isfinite(found.scores).all()):
        raise ValueError("The detector gave a box or a score that is not finite; look at the picture.")
    boxes = np.clip(found.boxes_px, 0.0, np.tile(np.asarray(size, dtype=np.float64), 2))
    filled = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes, found.scores, found.labels).only(np.flatnonzero(filled).tolist())


def suppressed(found: Detections, most_iou: float, at_most: int) -> Detections:
    """Return the best detections first: of boxes whose IoU is above `most_iou`, whatever their names, the best one."""
    import torch
    from torchvision.ops import nms

    kept = nms(torch.from_numpy(found.boxes_px), torch.from_numpy(found.scores), most_iou)
    return found.only(kept.tolist()[:at_most])


def encoded(picture: Picture, mask: NDArray[np.bool_]) -> Rle:
    """Return the COCO RLE, over the stored pixels, of an upright mask (h, w)."""
    return coco_mask.encode(np.asfortranarray(picture.to_stored(mask), dtype=np.uint8))


def distinct(masks: Sequence[Rle], most_iou: float) -> list[int]:
    """Return the indices of masks that are not empty and whose IoU with every earlier one is at most `most_iou`."""
    kept: list[int] = []
    for index, mask in enumerate(masks):
        if not coco_mask.area(mask):
            continue
        before = [masks[i] for i in kept]
        if not before or np.max(coco_mask.iou([mask], before, [0] * len(before))) <= most_iou:
            kept.append(index)
    return kept


def instance_map(masks: Sequence[Rle]) -> NDArray[np.uint16]:
    """Return a map (h, w) of the stored pixels: 0, or 1 + the index of the smallest mask that holds the pixel.

    So a mug in front of a table keeps its pixels and the table loses them; of equal masks the earlier keeps them.
    """
    height, width = masks[0]["size"]
    owner = np.zeros((height, width), dtype=np.uint16)
    areas = [int(coco_mask.area(mask)) for mask in masks]
    for index in sorted(range(len(masks)), key=lambda i: (-areas[i], -i)):
        owner[coco_mask.decode(masks[index]).astype(bool)] = index + 1
    return owner


def areas_of(labels: NDArray[Any]) -> dict[int, int]:
    """Return the pixels of every non-zero id of an instance map."""
    ids, counts = np.unique(labels, return_counts=True)
    return {int(one): int(count) for one, count in zip(ids, counts, strict=True) if one}
