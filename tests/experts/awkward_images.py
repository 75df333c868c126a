"""Images of awkward shapes, as rows of `images`, with the upright image that a person would see."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

SHAPES = {
    "odd": (67, 43),
    "portrait": (40, 90),
    "grey": (51, 50),
    "turned": (70, 40),
    "mirrored": (31, 57),
    "thin": (1, 40),
}
HUGE = (7680, 4320)
_ORIENTATIONS = {"turned": 6, "mirrored": 5}


def image_row(name: str) -> dict[str, Any]:
    """Return a row of smooth random colors; `name` is one of `SHAPES`, or `huge`."""
    size = SHAPES.get(name, HUGE)
    rng = np.random.default_rng(sum(map(ord, name)))
    coarse = rng.integers(0, 255, (min(64, 1 + size[1] // 8), min(64, 1 + size[0] // 8), 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    orientation = _ORIENTATIONS.get(name, 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    kept = image.convert("L") if name == "grey" else image
    kept.save(file, "JPEG" if name == "huge" else "PNG", exif=exif)
    return {"image_id": name, "bytes": file.getvalue(), "alt_text": None}


def upright(row: dict[str, Any]) -> Image.Image:
    """Return the image upright and in color, decoded without the code under test."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(row["bytes"]))).convert("RGB")
