"""Inference of the network: images resized to its input, and its maps brought back to their pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from udfs.experts.families.builtin.network import STRIDE, RoomNetwork
from udfs.experts.images import UprightImage

_MAX_SIDE_PX = 512


@dataclass(frozen=True, eq=False)
class Outputs:
    """The network's outputs for one image: `out` as batches of one, and its input `rgb` [1, 3, h, w]."""

    out: dict[str, Tensor]
    rgb: Tensor


@lru_cache(maxsize=4096)
def working_size(width: int, height: int, pixels: int) -> tuple[int, int]:
    """Return sides that the network takes, in the image's proportions, with about `pixels` pixels."""
    sides = range(STRIDE, _MAX_SIDE_PX + 1, STRIDE)

    def mismatch(size: tuple[int, int]) -> float:
        stretch = abs(np.log(size[0] / size[1] * height / width))
        return float(stretch + 0.25 * abs(np.log(size[0] * size[1] / pixels)))

    return min(((w, h) for w in sides for h in sides), key=mismatch)


def outputs_of(network: RoomNetwork, images: Sequence[UprightImage], pixels: int) -> list[Outputs]:
    """Return the network's outputs for each image; those of one working size are batched together."""
    device = next(network.parameters()).device
    sizes = [working_size(*image.size, pixels) for image in images]
    outputs: dict[int, Outputs] = {}
    for size in sorted(set(sizes)):
        places = [i for i, other in enumerate(sizes) if other == size]
        stack = np.stack([_resized(np.asarray(images[i].image), size) for i in places])
        rgb = torch.from_numpy(stack).to(device).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            out = network(rgb.contiguous(memory_format=torch.channels_last))
        for place, i in enumerate(places):
            own = {name: value[place : place + 1].float() for name, value in out.items()}
            outputs[i] = Outputs(own, rgb[place : place + 1])
    return [outputs[i] for i in range(len(images))]


def _resized(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    smaller = size[0] * size[1] < rgb.shape[0] * rgb.shape[1]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8)


def enlarged(map_2d: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map [h, w] interpolated to an image's width and height."""
    return np.asarray(cv2.resize(map_2d.cpu().numpy(), size, interpolation=cv2.INTER_LINEAR), np.float32)
