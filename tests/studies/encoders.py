"""Where the objects of a tower are, in pixels."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vlm.model.loading import VisionLanguageModel


def middles_px(vlm: VisionLanguageModel, picture: NDArray[np.uint8]) -> NDArray[Any]:
    """The middles [n, 2] of the objects that a room tower finds in a picture [h, w, 3]."""
    height, width = picture.shape[:2]
    pixels = vlm.processor.image_processor(picture, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        _, objects, there = vlm.tower.features(pixels)
    return objects[0][there[0] > 0][:, -4:-2].numpy() * np.hypot(width, height) / 2 + (width / 2, height / 2)
