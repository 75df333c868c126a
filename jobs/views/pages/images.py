"""Encodes images, depth maps and masks for a web page."""

import base64
import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from udfs.pixels.decoding import upright_rgb
from udfs.pixels.maps import decoded_map

_SPARSE_BELOW = 0.2
_NO_DEPTH_BGR = (46, 40, 36)


@dataclass(frozen=True)
class DepthImage:
    """A colorized depth map as a data URI, with the depth range of its colors."""

    uri: str
    near_m: float
    far_m: float


def image_uri(data: bytes, longest_px: int, quality: int = 84) -> str | None:
    """Downscale an image to `longest_px` and return it upright as a JPEG data URI; None if it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            rgb = np.asarray(upright_rgb(image))
    except Exception:  # decoders raise anything on corrupt bytes
        return None
    return _jpeg_uri(_shrunk(rgb[..., ::-1], longest_px), quality)


def depth_span_m(data: bytes) -> tuple[float, float] | None:
    """Return the 2nd and 98th percentile of a uint16 PNG depth map (mm) in m; None if it has no depth."""
    depth_mm = _depth_mm(data)
    if depth_mm is None:
        return None
    near_mm, far_mm = np.percentile(depth_mm[depth_mm > 0], (2, 98))
    return float(near_mm) / 1000.0, float(far_mm) / 1000.0


def depth_image(data: bytes, longest_px: int, span_m: tuple[float, float] | None = None) -> DepthImage | None:
    """Colorize a uint16 PNG depth map (mm), near warm and far cold; None if it has no depth.

    The colors span the map's own depths, or `span_m` to make several maps comparable.
    """
    depth_mm, span_m = _depth_mm(data), span_m or depth_span_m(data)
    if depth_mm is None or span_m is None:
        return None
    near_m, far_m = span_m
    known = depth_mm > 0
    # Inverse depth gives perceptually even steps: most detail of a scene is near.
    inverse, far = 1000.0 / np.maximum(depth_mm, 1.0), 1.0 / far_m
    span = 1.0 / near_m - far
    share = np.clip((inverse - far) / span, 0.0, 1.0) if span > 0.0 else np.full(depth_mm.shape, 0.5)
    shade = np.where(known, share * 254.0 + 1.0, 0.0).astype(np.uint8)
    if known.mean() < _SPARSE_BELOW:
        shade = np.asarray(cv2.dilate(shade, np.ones((5, 5), np.uint8)), dtype=np.uint8)
    colors = np.asarray(cv2.applyColorMap(shade, cv2.COLORMAP_TURBO), dtype=np.uint8)
    colors[shade == 0] = _NO_DEPTH_BGR
    return DepthImage(_jpeg_uri(_shrunk(colors, longest_px), 80), near_m, far_m)


@lru_cache(maxsize=4)
def decoded_depth_mm(data: bytes) -> NDArray[Any]:
    """Return a depth map (uint16 PNG, mm) to be read only: the parts of a page look at the same one in turn.

    Raises:
        ValueError: it cannot be decoded.
    """
    depth_mm = decoded_map(data)
    depth_mm.flags.writeable = False
    return depth_mm


def _depth_mm(data: bytes) -> NDArray[Any] | None:
    try:
        depth_mm = decoded_depth_mm(data)
    except ValueError:
        return None
    return depth_mm if depth_mm.any() else None


def mask_path(rle: str, width: int, height: int) -> str:
    """Return a mask's outline, including holes, as an SVG path in px; empty for an empty mask."""
    mask = coco.decode({"size": [height, width], "counts": rle.encode()})
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    tolerance_px = 0.6 * max(width, height) / 1100.0
    parts = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, tolerance_px, closed=True).reshape(-1, 2)
        if len(points) >= 3:
            parts.append("M" + "L".join(f"{u + 0.5:g} {v + 0.5:g}" for u, v in points.tolist()) + "Z")
    return "".join(parts)


def mask_anchor(rle: str, width: int, height: int) -> tuple[float, float] | None:
    """Return the mask pixel farthest from the mask's edge (u, v) px, the best position for a label."""
    mask = coco.decode({"size": [height, width], "counts": rle.encode()})
    if not mask.any():
        return None
    distance = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3)
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) - 0.5, float(row) - 0.5


def _shrunk(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _jpeg_uri(pixels: NDArray[np.uint8], quality: int) -> str:
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
