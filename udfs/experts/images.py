"""Images for learned experts: decoded upright, as people see them, and results brought back to stored pixels."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.reasons import Outcome, Reason
from udfs.stages.rows import RowRejected

# Ingest has already checked the number of pixels against the crawl's own limit.
Image.MAX_IMAGE_PIXELS = None

# Models scale the short side to hundreds of pixels, so a thinner image would take gigabytes.
_MAX_ASPECT_RATIO = 1000
# EXIF orientations that turn the stored pixels by a quarter: upright width is stored height.
QUARTER_TURNS = (5, 6, 7, 8)
# The column in which a row carries its image once it is decoded.
DECODED = "upright"
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
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
class UprightImage:
    """An upright RGB image; `orientation` is the EXIF tag that says how its stored pixels are turned."""

    image: Image.Image
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Return upright width and height, px."""
        return self.image.size

    @property
    def stored_size(self) -> tuple[int, int]:
        """Return width and height of the stored pixels."""
        width, height = self.size
        return (height, width) if self.orientation in QUARTER_TURNS else (width, height)

    def to_stored(self, upright: NDArray[Any]) -> NDArray[Any]:
        """Return an upright map (h, w) or (h, w, c), a mask or depth, in the layout of the stored pixels."""
        return to_stored(upright, self.orientation)


def to_stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return an upright map (h, w) or (h, w, c) in the layout of the stored pixels of that EXIF orientation."""
    turn = _TO_STORED.get(orientation)
    return np.ascontiguousarray(turn(upright) if turn else upright)


def upright_image(row: Mapping[str, Any]) -> UprightImage:
    """Decode the `bytes` of an `images` row; `exif_orientation` is applied, grayscale and palettes become RGB.

    An image that was decoded ahead, in the column `DECODED`, is returned as it is.

    Raises:
        RowRejected: the bytes cannot be decoded, or one side is over a thousand times the other.
    """
    if DECODED in row:
        return row[DECODED]
    data, orientation = row["bytes"], int(row.get("exif_orientation") or 1)
    try:
        with Image.open(io.BytesIO(data)) as stored:
            _refuse_strips(*stored.size)
            turn = _TO_UPRIGHT.get(orientation)
            rgb = _rgb(stored)
            return UprightImage(rgb.transpose(turn) if turn is not None else rgb, orientation)
    except RowRejected:
        raise
    except Exception as error:  # decoders raise anything on hostile bytes
        sentence = f"The image of {len(data):,} bytes cannot be decoded ({error}); download it again or remove it."
        raise RowRejected(Outcome.FAILED, Reason.UNREADABLE_IMAGE, sentence) from error


def _refuse_strips(width: int, height: int) -> None:
    if max(width, height) > _MAX_ASPECT_RATIO * min(width, height):
        error = (
            f"The image is {width} x {height} px, one side over {_MAX_ASPECT_RATIO} times the other; crop it, since no "
            "model takes such a strip."
        )
        raise RowRejected(Outcome.FILTERED, Reason.PICTURE_TOO_THIN, error)


def _rgb(image: Image.Image) -> Image.Image:
    # Pillow clips 16-bit grays at 255, which turns such an image white.
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
