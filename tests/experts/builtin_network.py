"""A small built-in network with random weights, and rooms to try it on."""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from scenes.room_images import RoomImage, room_images
from scenes.settings import RenderSettings
from udfs.experts.expert import ExpertSpec
from udfs.experts.families.builtin.decoding import Thresholds
from udfs.experts.families.builtin.network import NetworkShape, RoomNetwork
from udfs.experts.families.builtin.weights import Calibration, save_network

SMALL = {"widths": (8, 8, 16, 16, 16), "blocks": (0, 1, 1, 1, 1), "decoder": (8, 8, 16, 16), "hidden": 16}


def small_network(seed: int = 0) -> RoomNetwork:
    torch.manual_seed(seed)
    return RoomNetwork(NetworkShape(kinds=("chair", "table"), colours=("red", "blue"), **SMALL)).eval()


# random weights are sure of nothing
EAGER = Calibration(thresholds=Thresholds(centre=0.0, pixel=0.01, double=0.9, score=0.0))


def small_spec(folder: Path, calibration: Calibration = EAGER) -> ExpertSpec:
    path = folder / "small.safetensors"
    save_network(path, small_network(), calibration)
    return ExpertSpec(family="builtin", model=str(path), options={"pixels": 64 * 48})


@cache
def room(index: int, width: int = 640, height: int = 480, seed: int = 4242) -> RoomImage:
    return room_images(RenderSettings(out=".", count=1, seed=seed, width=width, height=height), index)[0]


def row(rgb: np.ndarray, camera: dict[str, float] | None = None, **options: Any) -> dict[str, Any]:
    """Return an `images` row of pixels, as PNG so that nothing is lost."""
    _, data = cv2.imencode(".png", rgb if rgb.ndim == 2 else rgb[..., ::-1])
    return {"bytes": data.tobytes(), "camera": camera, **options}
