"""One rendered view as a camera held in any of the eight ways stores it, written out case by case."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

Row = dict[str, Any]
TAGS = range(1, 9)
MIRRORED = (2, 4, 5, 7)
LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}}

_PIXELS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
# Where a pixel of the upright image (u, v), of width and height (w, h), lies among the stored ones.
PLACE: dict[int, Callable[[float, float, int, int], tuple[float, float]]] = {
    1: lambda u, v, w, h: (u, v),
    2: lambda u, v, w, h: (w - 1 - u, v),
    3: lambda u, v, w, h: (w - 1 - u, h - 1 - v),
    4: lambda u, v, w, h: (u, h - 1 - v),
    5: lambda u, v, w, h: (v, u),
    6: lambda u, v, w, h: (v, w - 1 - u),
    7: lambda u, v, w, h: (h - 1 - v, w - 1 - u),
    8: lambda u, v, w, h: (h - 1 - v, u),
}
# A vector of the upright camera frame in that of the stored pixels.
_VECTOR: dict[int, Callable[[float, float, float], tuple[float, float, float]]] = {
    1: lambda x, y, z: (x, y, z),
    2: lambda x, y, z: (-x, y, z),
    3: lambda x, y, z: (-x, -y, z),
    4: lambda x, y, z: (x, -y, z),
    5: lambda x, y, z: (y, x, z),
    6: lambda x, y, z: (y, -x, z),
    7: lambda x, y, z: (-y, -x, z),
    8: lambda x, y, z: (-y, x, z),
}


def vector(tag: int, upright: Any) -> list[float]:
    return list(_VECTOR[tag](*upright))


def pixels(tag: int, upright: np.ndarray) -> np.ndarray:
    """Return an image or a map as stored."""
    wide = upright.astype(np.int32) if upright.ndim == 2 else upright
    image = Image.fromarray(wide)
    return np.asarray(image.transpose(_PIXELS[tag]) if tag in _PIXELS else image).astype(upright.dtype)


def camera(tag: int, upright: Row, size: tuple[int, int]) -> Row:
    cx, cy = PLACE[tag](upright["cx"], upright["cy"], *size)
    fx, fy = (upright["fx"], upright["fy"]) if tag < 5 else (upright["fy"], upright["fx"])
    return {"fx": fx, "fy": fy, "cx": cx, "cy": cy}


def box(tag: int, upright: Row) -> Row:
    """Return a box of the stored pixels' camera frame; its own z axis is reversed where the stored pixels mirror."""
    axes = [vector(tag, axis) for axis in np.reshape(upright["rotation"], (3, 3)).T]
    if tag in MIRRORED:
        axes[2] = [-one for one in axes[2]]
    return {**upright, "center": vector(tag, upright["center"]), "rotation": np.transpose(axes).tolist()}


def thing(tag: int, upright: Row) -> Row:
    held = {"box_3d": box(tag, upright["box_3d"])} if upright.get("box_3d") else {}
    return {**upright, **held, **({"front": vector(tag, upright["front"])} if upright.get("front") else {})}


def file(tag: int, upright: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    """Return an image file that viewers show as `upright`, without loss."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = tag
    Image.fromarray(pixels(tag, upright)).save(buffer, kind, exif=exif.tobytes(), **LOSSLESS.get(kind, {}), **options)
    return buffer.getvalue()


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()
