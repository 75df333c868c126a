"""Objects as examples for the namer: crops and records, of true masks and of masks that the network finds."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from udfs.experts.families.builtin.crops import CONTEXT, crop_of
from udfs.experts.families.builtin.decoding import Thresholds, objects_of, records_of
from udfs.experts.families.builtin.inference import outputs_of
from udfs.experts.families.builtin.naming import owners_of
from udfs.experts.families.builtin.network import MASK_STRIDE, RoomNetwork
from udfs.experts.images import UprightImage
from vlm.builtin.example import UNNAMED, LabeledImage, name_codes

# Packed crops show more than the namer sees, so that training can shift and scale them at full sharpness.
MARGIN = 1.25
_MIN_MASK_PX = 24
_MAX_CROPPED_OUT = 0.5
_SIZES = (0.7, 1.0, 1.0, 1.4)
_SMALLEST = 0.6


def named_crops(
    network: RoomNetwork, images: Iterable[LabeledImage], limits: Thresholds, pixels: int, size_px: int, seed: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the objects of images with instances and objects.

    `crop` [s, s, 4] uint8 with s = `MARGIN * size_px`; `record` [r] float16; `name` [3] int16: kind, color (-1: not
    named; the number of kinds: the mask shows no single object), and whether the network found the mask; `image` [1]
    the image's number. Images are scaled at random, and the network's working size varies about `pixels`.
    """
    for number, image in enumerate(images):
        if image.instances is None:
            continue
        rng = np.random.default_rng([seed, number])
        yield from _of_image(network, _scaled(image, rng), limits, round(pixels * rng.choice(_SIZES)), size_px, number)


def _scaled(image: LabeledImage, rng: np.random.Generator) -> LabeledImage:
    """Return an image shrunk at random, as crawls are of many sizes; half of the images stay as they are."""
    assert image.instances is not None
    if rng.random() < 0.5:
        return image
    factor = rng.uniform(_SMALLEST, 1)
    height, width = (max(round(side * factor), 1) for side in image.instances.shape)
    rgb = cv2.resize(image.rgb, (width, height), interpolation=cv2.INTER_AREA)
    ids = cv2.resize(image.instances.astype(np.int32), (width, height), interpolation=cv2.INTER_NEAREST)
    return replace(image, rgb=rgb, instances=ids)


def _of_image(
    network: RoomNetwork, image: LabeledImage, limits: Thresholds, pixels: int, size_px: int, number: int
) -> Iterator[dict[str, NDArray[Any]]]:
    ids, objects = np.asarray(image.instances), image.objects or {}
    seen = UprightImage(Image.fromarray(image.rgb))
    outputs = outputs_of(network, [seen], pixels)[0]
    codes = {one: name_codes(*named) for one, named in objects.items()}
    with torch.inference_mode():
        found = objects_of(network, outputs.out, outputs.rgb, limits)[0]
        true_ids = [one for one in codes if int((ids == one).sum()) >= _MIN_MASK_PX]
        true_masks = [ids == one for one in true_ids]
        records = records_of(network, outputs.out, outputs.rgb, _coarse(true_masks, outputs.rgb))
    owners = owners_of(found, seen.size, limits.pixel)
    masks = [owners == index + 1 for index in range(len(found.scores))]
    shown = [(mask, (*codes[one], 0), record) for mask, one, record in zip(true_masks, true_ids, records, strict=True)]
    shown += [
        (mask, (*_spoken_of(ids[mask], codes, len(network.shape.kinds)), 1), record)
        for mask, record in zip(masks, found.records, strict=True)
        if mask.any()
    ]
    for mask, name, record in shown:
        yield {
            "crop": crop_of(image.rgb, mask, round(MARGIN * size_px), MARGIN * CONTEXT),
            "record": record.numpy(force=True).astype(np.float16),
            "name": np.array(name, np.int16),
            "image": np.array([number], np.int32),
        }


def _spoken_of(inside: NDArray[Any], codes: dict[int, tuple[int, int]], none: int) -> tuple[int, int]:
    """Return kind and color of the object that most of a mask covers, `inside` being the true ids within it."""
    ids, counts = np.unique(inside, return_counts=True)
    best = int(counts.argmax())
    if int(ids[best]) not in codes or counts[best] < _MAX_CROPPED_OUT * len(inside):
        return none, UNNAMED
    return codes[int(ids[best])]


def _coarse(masks: list[NDArray[np.bool_]], rgb: Tensor) -> Tensor:
    """Return masks [n, h/2, w/2] at the resolution of the network's masks."""
    rows, columns = rgb.shape[-2] // MASK_STRIDE, rgb.shape[-1] // MASK_STRIDE
    shrunk = [cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) for mask in masks]
    return torch.from_numpy(np.stack(shrunk)) if shrunk else rgb.new_zeros(0, rows, columns)
