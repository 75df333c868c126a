"""Objects as regions of the `regions` table: full-size masks, labels, captions."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from torch import Tensor

from udfs.experts.families.builtin.crops import CONTEXT, crop_of
from udfs.experts.families.builtin.decoding import Found
from udfs.experts.families.builtin.inference import enlarged
from udfs.experts.families.builtin.namer import ObjectNamer
from udfs.experts.families.builtin.network import NetworkShape
from udfs.experts.families.builtin.weights import Calibration, object_probability_features
from udfs.experts.images import UprightImage

# A color less likely than this is left out of the captions.
_SURE_COLOR = 0.5
# Names less probable than this are not declared.
_MIN_DECLARED = 0.02
_MAX_NOUNS = 8


def regions_of(
    found: Found, image: UprightImage, shape: NetworkShape, calibration: Calibration, namer: ObjectNamer | None = None
) -> list[dict[str, Any]]:
    """Return the objects as regions, largest mask first; a namer names them, and declares how probable names are."""
    owners = owners_of(found, image.size, calibration.thresholds.pixel)
    regions: list[dict[str, Any]] = []
    shown = [index for index in range(len(found.scores)) if bool((owners == index + 1).any())]
    kinds, colors = _probabilities(found, owners, shown, image, calibration, namer)
    for place, index in enumerate(shown):
        mask = owners == index + 1
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        counts = rle["counts"]
        area_px = int(coco_mask.area(rle))
        label, captions = named(kinds[place, : len(shape.kinds)], colors[place], shape)
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
                "names": None if namer is None else declared(kinds[place], colors[place], shape),
                "edge_sigma_px": calibration.edge * float(np.sqrt(area_px)),
            }
        )
    regions.sort(key=lambda region: -region["area_px"])
    return [{"region_id": number, **region} for number, region in enumerate(regions, 1)]


def _probabilities(
    found: Found,
    owners: NDArray[np.uint8],
    shown: list[int],
    image: UprightImage,
    calibration: Calibration,
    namer: ObjectNamer | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the probabilities of kinds [n, kinds or kinds + 1] and of colors [n, colors] of the objects shown."""
    if namer is None or not shown:
        return found.kinds[shown].numpy(force=True), found.colours[shown].numpy(force=True)
    rgb, size_px = np.asarray(image.image), namer.shape.size_px
    cut = np.stack([crop_of(rgb, owners == index + 1, size_px, CONTEXT) for index in shown])
    crops = torch.from_numpy(cut).to(found.records.device).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        kinds, colors = namer(crops.contiguous(memory_format=torch.channels_last), found.records[shown].float())
    return (
        (kinds / calibration.kind_temperature).softmax(-1).numpy(force=True),
        (colors / calibration.color_temperature).softmax(-1).numpy(force=True),
    )


def declared(kinds: NDArray[Any], colors: NDArray[Any], shape: NetworkShape) -> list[dict[str, Any]]:
    """Return the `names` of a region: nouns, colors, and the most probable noun with the most probable color.

    `kinds` [kinds + 1] ends with the probability that the mask shows no single object, which has no color either.
    """
    whole = 1.0 - float(kinds[-1])
    nouns = sorted(zip(kinds[:-1].tolist(), shape.kinds, strict=True), reverse=True)[:_MAX_NOUNS]
    tints = sorted(zip((whole * colors).tolist(), shape.colours, strict=True), reverse=True)
    names = [{"noun": noun, "color": None, "probability": p} for p, noun in nouns if p >= _MIN_DECLARED]
    names += [{"noun": None, "color": color, "probability": p} for p, color in tints if p >= _MIN_DECLARED]
    (sure, noun), color = nouns[0], tints[0][1]
    if color != noun:
        names.append({"noun": noun, "color": color, "probability": sure * float(colors.max())})
    return sorted(names, key=lambda name: -name["probability"])


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


def owners_of(found: Found, size: tuple[int, int], min_affinity: float) -> NDArray[np.uint8]:
    """Return the object of each pixel of the image [height, width], 0 = none."""
    best = np.full(size[::-1], min_affinity, np.float32)
    owners = np.zeros(size[::-1], np.uint8)
    for index, soft in enumerate(found.soft):
        # one object at a time: all masks of a large image at once would not fit into memory
        own = enlarged(soft, size)
        closer = own >= best
        best[closer], owners[closer] = own[closer], index + 1
    return owners
