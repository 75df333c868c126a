"""Images for learned experts: decoded upright, as people see them."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from schemas.reasons import Outcome, Reason
from udfs.pixels.decoding import upright_rgb
from udfs.stages.rows import RowRejected

# Models scale the short side to hundreds of pixels, so a thinner image would take gigabytes.
_MAX_ASPECT_RATIO = 1000
# The column in which a row carries its image once it is decoded.
DECODED = "upright"


@dataclass(frozen=True)
class UprightImage:
    """An image as people see it: RGB, upright."""

    image: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height, px."""
        return self.image.size


def upright_image(row: Mapping[str, Any]) -> UprightImage:
    """Decode the `bytes` of an `images` row upright; grayscale and palettes become RGB.

    An image that was decoded ahead, in the column `DECODED`, is returned as it is.

    Raises:
        RowRejected: the bytes cannot be decoded, or one side is over a thousand times the other.
    """
    if DECODED in row:
        return row[DECODED]
    data = row["bytes"]
    try:
        with Image.open(io.BytesIO(data)) as stored:
            _refuse_strips(*stored.size)
            return UprightImage(upright_rgb(stored))
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
        raise RowRejected(Outcome.FILTERED, Reason.IMAGE_TOO_THIN, error)
