"""Photographs for learned experts: decoded upright, as people see them, and results brought back to stored pixels."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

# EXIF orientations whose stored pixels turn by a quarter: upright width is stored height.
_QUARTER_TURNS = (5, 6, 7, 8)
_TO_STORED = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: np.rot90,
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@dataclass(frozen=True)
class Picture:
    """An upright RGB photograph; `orientation` is the EXIF tag that says how its stored pixels lie."""

    image: Image.Image
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Return upright width and height, px."""
        return self.image.size

    def to_stored(self, upright: NDArray[Any]) -> NDArray[Any]:
        """Return an upright map (h, w) or (h, w, c), a mask or depth, in the layout of the stored pixels."""
        turn = _TO_STORED.get(self.orientation)
        return np.ascontiguousarray(turn(upright) if turn else upright)


def picture_of(photograph: Mapping[str, Any]) -> Picture:
    """Decode the `bytes` of an `images` row; `exif_orientation` is applied, greyscale and palettes become RGB.

    A `picture` that was decoded ahead is returned as it is. Raises OSError when the bytes cannot be decoded.
    """
    if "picture" in photograph:
        return photograph["picture"]
    with Image.open(io.BytesIO(photograph["bytes"])) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return Picture(upright, int(photograph.get("exif_orientation") or 1))


def stored_size(picture: Picture) -> tuple[int, int]:
    """Return width and height of the stored pixels."""
    width, height = picture.size
    return (height, width) if picture.orientation in _QUARTER_TURNS else (width, height)
