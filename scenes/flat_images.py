"""Draws images without spatial depth: documents, charts, screenshots and textures."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scenes.colors import NAMED
from scenes.shapes import pick

Pixels = np.ndarray
Ink = tuple[int, int, int]
_TEXT = (
    "the of and room total invoice date page chapter value report account figure table model data north settings "
    "street number amount result open section price order review city summary water energy market change level"
)
_WORDS = tuple(_TEXT.split())
_SHADES = tuple(NAMED.values())


def _paper(rng: np.random.Generator, dark_share: float = 0.15) -> tuple[Ink, Ink]:
    """Draw the colors of background and ink."""
    pale = rng.uniform(225, 255) + rng.uniform(-12, 4, 3)
    ink = rng.uniform(5, 90, 3)
    ground, front = (ink, pale) if rng.random() < dark_share else (pale, ink)
    return _rgb(ground), _rgb(front)


def _rgb(values: np.ndarray) -> Ink:
    r, g, b = np.clip(values, 0, 255)
    return int(r), int(g), int(b)


def _accent(rng: np.random.Generator) -> Ink:
    return _rgb(np.array(pick(rng, _SHADES)) * rng.uniform(0.7, 1.2))


def _text(rng: np.random.Generator, words: int) -> str:
    return " ".join(str(pick(rng, _WORDS)) for _ in range(words)).capitalize()


def _lines(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], size: float, ink: Ink, rng: np.random.Generator
) -> None:
    """Fill a box (x0, y0, x1, y1) with lines of words."""
    x0, y0, x1, y1 = box
    font = ImageFont.load_default(max(size, 5))
    y = y0
    while y + size <= y1:
        length = x1 - x0 if rng.random() > 0.15 else (x1 - x0) * rng.uniform(0.2, 0.8)
        if rng.random() > 0.08:
            words = _text(rng, max(1, int(length / (size * 2.7))))
            draw.text((x0, y), words, fill=ink, font=font)
        y += size * 1.45


def document(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw a page of text, frontal or in perspective."""
    width, height = size
    ground, ink = _paper(rng)
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    letter = height * rng.uniform(0.03, 0.07)
    margin = width * rng.uniform(0.04, 0.15)
    columns = int(rng.integers(1, 4))
    top = margin
    if rng.random() < 0.7:
        draw.text((margin, margin), _text(rng, 3), fill=ink, font=ImageFont.load_default(letter * 2))
        top += letter * 3
    each = (width - 2 * margin) / columns
    for column in range(columns):
        left = margin + column * each
        _lines(draw, (left, top, left + 0.93 * each, height - margin), letter, ink, rng)
    if rng.random() < 0.3:
        x, y = rng.uniform(0.1, 0.6) * width, rng.uniform(0.3, 0.7) * height
        draw.rectangle((x, y, x + 0.3 * width, y + 0.2 * height), fill=_accent(rng), outline=ink)
    return _slanted(np.array(image), rng) if rng.random() < 0.4 else np.array(image)


def _slanted(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.12, 0.12, (4, 2)).astype(np.float32) * [width, height]
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return cv2.warpPerspective(pixels, matrix, (width, height), borderValue=_accent(rng))


def chart(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw a bar, line, scatter or pie chart with axes and labels."""
    width, height = size
    ground, ink = _paper(rng)
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    x0, y0, x1, y1 = 0.12 * width, 0.12 * height, 0.95 * width, 0.86 * height
    font = ImageFont.load_default(max(6, 0.045 * height))
    draw.text((x0, 0.03 * height), _text(rng, 4), fill=ink, font=font)
    style = pick(rng, ("bars", "lines", "points", "pie"))
    if style == "pie":
        cuts = np.sort(rng.uniform(0, 360, int(rng.integers(3, 8))))
        radius = 0.36 * height
        ring = (width / 2 - radius, 0.5 * height - radius, width / 2 + radius, 0.5 * height + radius)
        for start, end in zip(cuts, np.append(cuts[1:], cuts[0] + 360), strict=True):
            draw.pieslice(ring, float(start), float(end), fill=_accent(rng), outline=ground)
        return np.array(image)
    if rng.random() < 0.6:
        for y in np.linspace(y0, y1, 6):
            draw.line((x0, y, x1, y), fill=_rgb((np.array(ground) + np.array(ink)) / 2))
    draw.line((x0, y0, x0, y1, x1, y1), fill=ink, width=2)
    for x in np.linspace(x0, x1, 6):
        draw.text((x, y1 + 3), str(int(rng.integers(100))), fill=ink, font=font)
    for _ in range(int(rng.integers(1, 4))):
        _series(draw, (x0, y0, x1, y1), str(style), rng)
    return np.array(image)


def _series(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], style: str, rng: np.random.Generator
) -> None:
    x0, y0, x1, y1 = box
    count = int(rng.integers(5, 20))
    xs = np.linspace(x0, x1, count + 2)[1:-1]
    ys = y1 - np.clip(np.cumsum(rng.normal(0, 0.15, count)) + rng.uniform(0.3, 0.7), 0.05, 0.95) * (y1 - y0)
    color = _accent(rng)
    if style == "lines":
        draw.line([(float(x), float(y)) for x, y in zip(xs, ys, strict=True)], fill=color, width=2)
        return
    for x, y in zip(xs, ys, strict=True):
        half = 0.3 * (x1 - x0) / count if style == "bars" else 3
        draw.rectangle((x - half, y, x + half, y1 if style == "bars" else y + 6), fill=color)


def screenshot(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw windows with title bars, side bars, buttons and text."""
    width, height = size
    ground, ink = _paper(rng, 0.4)
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    bar = height * rng.uniform(0.05, 0.12)
    letter = max(5.0, height * rng.uniform(0.025, 0.05))
    draw.rectangle((0, 0, width, bar), fill=_accent(rng))
    draw.text((0.03 * width, 0.2 * bar), _text(rng, 2), fill=ground, font=ImageFont.load_default(max(5, 0.6 * bar)))
    left = 0.0
    if rng.random() < 0.6:
        left = width * rng.uniform(0.15, 0.3)
        draw.rectangle((0, bar, left, height), fill=_rgb(0.85 * np.array(ground) + 0.15 * np.array(ink)))
        _lines(draw, (4, bar + 6, left - 4, height - 4), letter, ink, rng)
    for _ in range(int(rng.integers(2, 9))):
        x, y = rng.uniform(left, 0.85 * width), rng.uniform(bar, 0.9 * height)
        w, h = rng.uniform(0.06, 0.4) * width, rng.uniform(0.05, 0.3) * height
        filled = _accent(rng) if rng.random() < 0.5 else ground
        draw.rounded_rectangle((x, y, x + w, y + h), radius=4, fill=filled, outline=ink)
        _lines(draw, (x + 4, y + 4, min(x + w, width) - 4, y + h - 2), letter, ink, rng)
    return np.array(image)


def texture(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw a surface that fills the image: noise at several scales, stripes, checks, bricks or a gradient."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    for scale in 2.0 ** np.arange(1, 8):
        cells = rng.normal(0, 1, (int(height / scale) + 2, int(width / scale) + 2)).astype(np.float32)
        total += cv2.resize(cells, size, interpolation=cv2.INTER_CUBIC) * np.float32(rng.uniform(0, 1) ** 2)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    turn, period = rng.uniform(0, np.pi), rng.uniform(0.02, 0.3) * width
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    pattern = {
        "noise": 0 * x,
        "stripes": np.sign(np.sin(2 * np.pi * along / period)),
        "checks": np.sign(np.sin(2 * np.pi * along / period) * np.sin(2 * np.pi * across / period)),
        "waves": np.sin(2 * np.pi * (along + 4 * total) / period),
        "gradient": 2 * along / width,
    }[str(pick(rng, ("noise", "stripes", "checks", "waves", "gradient")))]
    share = 1 / (1 + np.exp(-(total * rng.uniform(0.2, 1.5) + 2 * pattern)))[..., None]
    first, second = np.array(_accent(rng)), np.array(_accent(rng))
    return np.clip(first * share + second * (1 - share) + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)
