"""Images as rows of `images`: sizes, orientations and formats that crawls hold."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

SIZES = {
    "odd": (67, 43),
    "portrait": (41, 59),
    "one pixel wide": (1, 48),
    "one pixel high": (48, 1),
    "one pixel": (1, 1),
}


def pixels(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Smooth random colors (height, width, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def row(image: Image.Image, kind: str = "PNG", orientation: int = 1, **columns: Any) -> dict[str, Any]:
    exif = image.getexif()
    if orientation != 1:
        exif[0x0112] = orientation
    data = io.BytesIO()
    image.save(data, kind, exif=exif)
    return {"bytes": data.getvalue(), "camera": None, "gravity": None, **columns}


def image_row(width: int, height: int, seed: int = 0, orientation: int = 1, **columns: Any) -> dict[str, Any]:
    return row(Image.fromarray(pixels(width, height, seed)), orientation=orientation, **columns)


def named(name: str) -> dict[str, Any]:
    """Return the image of a name in SIZES, or `grey`, `palette`, `jpeg` or `8k`."""
    if name in SIZES:
        return image_row(*SIZES[name])
    if name == "8k":
        return row(Image.fromarray(pixels(7680, 4320)), "JPEG")
    image = Image.fromarray(pixels(52, 39))
    made = {"grey": image.convert("L"), "palette": image.convert("P"), "jpeg": image}[name]
    return row(made, "JPEG" if name == "jpeg" else "PNG")


def upright(stored_row: dict[str, Any]) -> Image.Image:
    """Decode a row as any viewer would, without the product's code."""
    with Image.open(io.BytesIO(stored_row["bytes"])) as image:
        return ImageOps.exif_transpose(image).convert("RGB")
