"""Objects as regions of the `regions` table: full-size masks, labels, captions."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from torch import Tensor

from udfs.experts.families.builtin.decoding import Found
from udfs.experts.families.builtin.inference import enlarged
from udfs.experts.families.builtin.network import NetworkShape
from udfs.experts.families.builtin.weights import Calibration, object_probability_features
from udfs.experts.images import UprightImage

# A color less likely than this is left out of the captions.
_SURE_COLOR = 0.5


def regions_of(
    found: Found, image: UprightImage, shape: NetworkShape, calibration: Calibration
) -> list[dict[str, Any]]:
    """Return the objects as regions, largest mask first."""
    owners = _owners(found, image.size, calibration.thresholds.pixel)
    regions: list[dict[str, Any]] = []
    for index in range(len(found.scores)):
        mask = owners == index + 1
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        counts = rle["counts"]
        area_px = int(coco_mask.area(rle))
        label, captions = named(found.kinds[index].numpy(force=True), found.colours[index].numpy(force=True), shape)
        regions.append(
            {
                "label": label,
                "captions": captions,
                "score": float(found.scores[index]),
                "bbox_px": [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1],
                "area_px": area_px,
                "rle": counts if isinstance(counts, str) else counts.decode("ascii"),
                "box_3d": None,
                "front": None,
                "object_probability": _object_probability(found.scores[index], area_px / owners.size, calibration),
                "edge_sigma_px": calibration.edge * float(np.sqrt(area_px)),
            }
        )
    regions.sort(key=lambda region: -region["area_px"])
    return [{"region_id": number, **region} for number, region in enumerate(regions, 1)]


def _object_probability(score: Tensor, share: float, calibration: Calibration) -> float:
    features = object_probability_features(score[None].cpu(), torch.tensor([share]))[0]
    of_score, of_size, offset = calibration.object_probability
    return float(torch.sigmoid(of_score * features[0] + of_size * features[1] + offset))


def named(kinds: NDArray[Any], colors: NDArray[Any], shape: NetworkShape) -> tuple[str, list[str]]:
    """Return a label and captions, best first, from the probabilities of kinds and colors."""
    label = shape.kinds[int(kinds.argmax())]
    color = shape.colours[int(colors.argmax())]
    if float(colors.max()) < _SURE_COLOR or color == label:
        return label, [label]
    return label, [f"{color} {label}", label]


def _owners(found: Found, size: tuple[int, int], min_affinity: float) -> NDArray[np.uint8]:
    """Return the object of each pixel of the image [height, width], 0 = none."""
    best = np.full(size[::-1], min_affinity, np.float32)
    owners = np.zeros(size[::-1], np.uint8)
    for index, soft in enumerate(found.soft):
        # one object at a time: all masks of a large image at once would not fit into memory
        own = enlarged(soft, size)
        closer = own >= best
        best[closer], owners[closer] = own[closer], index + 1
    return owners
