"""Small images and maps with known content, and hostile ones."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 64, 48


def pixels(seed: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A smooth image with some noise, so that encoders behave as with images."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    noise = rng.integers(0, 12, (height, width, 3))
    return np.clip(np.asarray(coarse).astype(int) + noise, 0, 255).astype(np.uint8)


def encoded(array: NDArray[np.generic], kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def photo(seed: int, kind: str = "JPEG", **options: object) -> bytes:
    return encoded(pixels(seed), kind, **options)


def depth_png(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A slanted wall, 1.5 m away at its nearest corner."""
    rows, columns = np.indices((height, width))
    return encoded((1500 + 2 * rows + columns).astype(np.uint16), "PNG")


def instance_png(ids: tuple[int, ...] = (1, 2), dtype: type = np.uint8) -> bytes:
    """Vertical stripes: background, then one stripe of 8 px per id."""
    labels = np.zeros((HEIGHT, WIDTH), dtype)
    for stripe, one in enumerate(ids, 1):
        labels[:, 8 * stripe : 8 * stripe + 8] = one
    return encoded(labels, "PNG")


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb_png(width: int, height: int) -> bytes:
    """A valid header that claims a huge image, before next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(bytes(1000))), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def bomb_webp(width: int, height: int) -> bytes:
    """An extended WebP whose canvas is huge."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


OBJECTS = [
    {"id": 1, "label": "cup", "captions": ["red cup"]},
    {"id": 2, "label": "box", "captions": ["grey box"]},
]
CAMERA = {"fx": 60.0, "fy": 60.0, "cx": 31.5, "cy": 23.5}
POSE = [[1.0, 0.0, 0.0, 0.5], [0.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, 1.2], [0.0, 0.0, 0.0, 1.0]]
