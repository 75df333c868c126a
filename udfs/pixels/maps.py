"""The decoder and the encoder of depth and instance maps: PNGs of one channel."""

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def decoded_map(data: bytes) -> NDArray[Any]:
    """Return the values (h, w) of a PNG of one channel: uint8 or uint16, of a palette its indices.

    EXIF of the map itself is ignored: a map has the orientation of its image.

    Raises:
        ValueError: the PNG is cut off, fails a checksum, or has several channels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            # Decoding alone does not compare the checksums.
            image.verify()
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            values = np.asarray(image)
    except Exception as error:  # decoders raise anything on corrupt bytes
        raise ValueError(f"the PNG cannot be decoded ({error})") from error
    if values.ndim != 2:
        raise ValueError(f"the PNG has {values.shape[2]} channels, not one")
    return values


def encoded_map(values: NDArray[Any]) -> bytes:
    """Return a map (h, w), uint8 or uint16, as a gray PNG.

    Raises:
        ValueError: the map cannot be written.
    """
    # OpenCV writes it ten times as fast as Pillow.
    done, png = cv2.imencode(".png", values)
    if not done:
        raise ValueError(f"a map of {values.shape[1]} x {values.shape[0]} px cannot be written as PNG")
    return png.tobytes()
