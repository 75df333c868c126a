"""Small room encoders, and the image positions of the objects that an encoder finds."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPImageProcessor

from studies.claims.room_encoder import room_encoder
from tests.experts.builtin_network import EAGER, room, small_network
from udfs.experts.families.builtin.weights import save_network
from vlm.model.loading import VisionLanguageModel


def centers_px(vlm: VisionLanguageModel, image: NDArray[np.uint8]) -> NDArray[Any]:
    """The centers [n, 2] of the objects that a room encoder finds in an image [h, w, 3]."""
    height, width = image.shape[:2]
    pixels = vlm.processor.image_processor(image, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        _, objects, there = vlm.vision_encoder.features(pixels)
    return objects[0][there[0] > 0][:, -4:-2].numpy() * np.hypot(width, height) / 2 + (width / 2, height / 2)


def pixels_of(indices: range) -> torch.Tensor:
    shown = np.stack(
        [cv2.resize(room(i, 384, 288).frame.rgb, (192, 144), interpolation=cv2.INTER_AREA) for i in indices]
    )
    return torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255


def write_small_encoder(folder: Path) -> str:
    save_network(folder / "small.safetensors", small_network(), EAGER)
    room_encoder(folder / "small.safetensors", [pixels_of(range(2))], objects=6).save_pretrained(folder)
    size = {"height": 144, "width": 192}
    CLIPImageProcessor(size=size, do_center_crop=False, do_normalize=False).save_pretrained(folder)
    return str(folder)
