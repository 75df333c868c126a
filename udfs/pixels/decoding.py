"""The decoder of images: pixels upright, as their EXIF orientation asks, and the bytes of an upright file."""

import io
from typing import Any

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from udfs.pixels.orientation import ORIENTATIONS, UPRIGHT, Orientation, Size

# Ingest checks sizes against the configured limit before it decodes.
Image.MAX_IMAGE_PIXELS = None

_RAW_EXIF = "Raw profile type exif"
# An EXIF block begins so: in JPEG, in PNG, in WebP, and in PNG as ImageMagick writes it.
_EXIF_MARKS = (b"Exif\0\0", b"eXIf", b"EXIF", _RAW_EXIF.encode())
_QUALITY = 95


def orientation_of(image: Image.Image) -> Orientation:
    """Return the EXIF orientation of an opened file; upright if it has none or none that EXIF defines.

    An orientation in XMP is ignored, as browsers do, and so is one of the thumbnail.
    """
    if image.format == "PNG":
        # PNG may carry its EXIF block behind the pixels.
        image.load()
    try:
        held = Image.Exif()
        held.load(_exif_bytes(image.info))
        tag = held.get(Base.Orientation)
    except Exception:  # a broken EXIF block counts as a missing one
        return UPRIGHT
    return ORIENTATIONS.get(tag, UPRIGHT) if type(tag) is int else UPRIGHT


def upright_rgb(image: Image.Image) -> Image.Image:
    """Return an opened file's pixels upright as RGB; grayscale and palettes are converted."""
    rgb = _rgb(image)
    return orientation_of(image).image(rgb)


def upright_file(data: bytes) -> tuple[bytes, Size]:
    """Return bytes of an image file that every decoder shows upright, and width and height, px.

    A file that is upright already is returned as it is; others become PNG if they were, else JPEG.

    Raises:
        OSError, ValueError: the bytes cannot be decoded.
    """
    with Image.open(io.BytesIO(data)) as image:
        if not has_exif(data) or orientation_of(image) is UPRIGHT:
            return data, image.size
        rgb = upright_rgb(image)
        kind = "PNG" if image.format == "PNG" else "JPEG"
    buffer = io.BytesIO()
    rgb.save(buffer, kind, quality=_QUALITY)
    return buffer.getvalue(), rgb.size


def has_exif(data: bytes) -> bool:
    """Return whether the bytes of a file may hold an EXIF block, without decoding them."""
    return any(mark in data for mark in _EXIF_MARKS)


def _exif_bytes(info: dict[Any, Any]) -> bytes:
    if "exif" not in info and _RAW_EXIF in info:
        return bytes.fromhex("".join(info[_RAW_EXIF].split("\n")[3:]))
    return info.get("exif", b"")


def _rgb(image: Image.Image) -> Image.Image:
    # Pillow clips 16-bit grays at 255, which turns such an image white.
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
