"""Draws what was measured onto the image: outlines and names, and the length of an answer as a dimension line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jobs.views.pages.images import mask_anchor
from jobs.views.pages.objects import palette
from jobs.views.pages.projection import Segment, View, line_segment
from udfs.geometry.masks import crop_of
from udfs.questions.spans import Line

_INK, _PAPER = (255, 255, 255), (20, 20, 24)
_SHORT_SIDE_PX_PER_LINE_PX = 240
_EDGE_PX = 3


class Label(NamedTuple):
    """A region to outline: its row of `regions`, and what to call it."""

    region: Mapping[str, Any]
    name: str


class Dimension(NamedTuple):
    """Lines of one length in frame W, and the text of the length, which stands at the first line in sight."""

    lines: Sequence[Line]
    text: str


def drawn(
    image: Image.Image,
    view: View,
    labels: Iterable[Label],
    dimension: Dimension | None,
    point: tuple[float, float] | None = None,
) -> Image.Image:
    """Return a copy of an image with outlines and names, with dimension lines, and with a cross at a point (u, v)."""
    canvas = image.convert("RGB")
    draw = ImageDraw.Draw(canvas)
    width_px = max(1, round(min(canvas.size) / _SHORT_SIDE_PX_PER_LINE_PX))
    texts = _Texts(draw, canvas.size, ImageFont.load_default(size=max(10, 7 * width_px + 4)))
    named = list(labels)
    colors = palette(label.region["region_id"] for label in named)
    for label in named:
        _outline(draw, label, colors[label.region["region_id"]], canvas.size, width_px)
    if dimension is not None:
        _measure(draw, dimension, view, texts, width_px)
    for label in named:
        anchor = mask_anchor(label.region["rle"], canvas.width, canvas.height)
        if anchor is not None:
            texts.write(anchor, label.name, colors[label.region["region_id"]])
    if point is not None:
        _cross(draw, (point[0] * canvas.width, point[1] * canvas.height), width_px)
    return canvas


class _Texts:
    """Writes texts on dark grounds inside the image, none over another where there is room."""

    def __init__(self, draw: ImageDraw.ImageDraw, size: tuple[int, int], font: Any) -> None:
        self._draw = draw
        self._size = size
        self._font = font
        self._taken: list[tuple[float, float, float, float]] = []

    @property
    def height_px(self) -> float:
        """The height of a line of text."""
        return float(self._font.size)

    def write(self, at: tuple[float, float], text: str, color: str) -> None:
        """Write a text centered on a point, or as near above or below it as there is room."""
        left, top, right, bottom = self._draw.textbbox((0, 0), text, font=self._font)
        width, height = right - left + 2 * _EDGE_PX, bottom - top + 2 * _EDGE_PX
        u = min(max(0.0, at[0] - width / 2), max(0.0, self._size[0] - width))
        places = [at[1] - height / 2 + step * (height + 1) for step in (0, 1, -1, 2, -2, 3, -3)]
        inside = [v for v in places if 0 <= v <= self._size[1] - height] or [0.0]
        v = next((v for v in inside if not self._is_taken((u, v, u + width, v + height))), inside[0])
        self._taken.append((u, v, u + width, v + height))
        self._draw.rectangle(self._taken[-1], fill=_PAPER)
        self._draw.text((u + _EDGE_PX - left, v + _EDGE_PX - top), text, font=self._font, fill=color)

    def _is_taken(self, box: tuple[float, float, float, float]) -> bool:
        u0, v0, u1, v1 = box
        return any(u0 < c and a < u1 and v0 < d and b < v1 for a, b, c, d in self._taken)


def _outline(draw: ImageDraw.ImageDraw, label: Label, color: str, size: tuple[int, int], width_px: int) -> None:
    width, height = size
    crop = crop_of(label.region, height, width)
    if crop is None:
        return
    contours, _ = cv2.findContours(crop.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        points = contour[:, 0, :] + [crop.columns.start, crop.rows.start]
        ring = [(float(u), float(v)) for u, v in (*points, points[0])]
        draw.line(ring, fill=color, width=width_px + 1, joint="curve")


def _measure(draw: ImageDraw.ImageDraw, dimension: Dimension, view: View, texts: _Texts, width_px: int) -> None:
    seen = [line_segment(np.stack(line), view) for line in dimension.lines]
    shown = [segment for segment in seen if segment is not None]
    for segment in shown:
        for color, width in ((_PAPER, 2 * width_px + 3), (_INK, width_px + 1)):
            ends = [(segment.u0, segment.v0), (segment.u1, segment.v1)]
            draw.line(ends, fill=color, width=width)
            for tick in _ticks(segment, 4 * width_px + 2):
                draw.line(tick, fill=color, width=width)
    if shown:
        first = shown[0]
        u, v = (first.u0 + first.u1) / 2, (first.v0 + first.v1) / 2
        # A short line is not hidden by its own text.
        lift_px = 0.0 if _length_px(first) > 6 * texts.height_px else 2 * texts.height_px + _length_px(first) / 2
        texts.write((u, v - lift_px), dimension.text, "white")


def _cross(draw: ImageDraw.ImageDraw, at: tuple[float, float], width_px: int) -> None:
    u, v = at
    reach_px = 6 * width_px + 4
    for color, width in ((_PAPER, 2 * width_px + 3), (_INK, width_px + 1)):
        for du, dv in ((reach_px, reach_px), (reach_px, -reach_px)):
            draw.line([(u - du, v - dv), (u + du, v + dv)], fill=color, width=width)


def _length_px(segment: Segment) -> float:
    return float(np.hypot(segment.u1 - segment.u0, segment.v1 - segment.v0))


def _ticks(segment: Segment, reach_px: float) -> list[list[tuple[float, float]]]:
    """Return the short strokes across both ends of a line, px."""
    along = np.array([segment.u1 - segment.u0, segment.v1 - segment.v0])
    length = float(np.linalg.norm(along))
    across = np.array([-along[1], along[0]]) / length * reach_px if length else np.array([0.0, reach_px])
    ends = (np.array([segment.u0, segment.v0]), np.array([segment.u1, segment.v1]))
    return [[tuple(end - across), tuple(end + across)] for end in ends]
