"""Images of things that are no rooms, drawn by no code of the product: handwriting, charts, textures, landscapes."""

import io
from collections.abc import Callable

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_SIZE = (480, 640)


def drawn_image(kind: str, seed: int) -> Pixels:
    """Return an image [480, 640, 3] of a kind in `DRAWN`; equal seeds give equal pixels."""
    return DRAWN[kind](np.random.default_rng([seed, sorted(DRAWN).index(kind)]))


def handwriting(rng: np.random.Generator) -> Pixels:
    """Draw lines of joined loops on paper that is lit from one side."""
    paper = np.full((*_SIZE, 3), rng.uniform(190, 250, 3), np.float32)
    paper *= np.linspace(rng.uniform(0.75, 1), 1, _SIZE[1], dtype=np.float32)[None, :, None]
    page = np.ascontiguousarray(paper.clip(0, 255).astype(np.uint8))
    ink = tuple(int(v) for v in rng.integers(0, 110, 3))
    step, slant = int(rng.integers(26, 60)), rng.uniform(-0.1, 0.1)
    for y in range(step, _SIZE[0], step):
        t = np.arange(0, _SIZE[1] - rng.uniform(60, 250), 2.0)
        tall = 0.25 * step * (1 + (rng.random(len(t) // 12 + 2) < 0.3)).repeat(12)[: len(t)]
        x = 30 + t + 0.3 * step * np.sin(t * 9 / step)
        lines = np.stack([x, y + slant * t + tall * np.sin(t * 6 / step + np.cumsum(rng.normal(0, 0.1, len(t))))], 1)
        cv2.polylines(page, [lines.astype(np.int32)], False, ink, int(rng.integers(1, 4)), cv2.LINE_AA)
    return page


def plot(rng: np.random.Generator) -> Pixels:
    """Draw one of six kinds of matplotlib plot."""
    figure = Figure((6.4, 4.8), dpi=100)
    with matplotlib.rc_context({"axes.facecolor": "white" if rng.random() < 0.7 else "#eaeaf2"}):
        axes = figure.subplots()
    number = int(rng.integers(6))
    x, y = np.arange(12), rng.normal(0, 1, (3, 12))
    if number == 0:
        axes.plot(x, y.T.cumsum(0))
    elif number == 1:
        axes.bar(x, np.abs(y[0]), color=str(rng.choice(["C0", "C1", "C2", "C3"])))
    elif number == 2:
        axes.scatter(rng.normal(0, 1, 300), rng.normal(0, 1, 300), c=rng.random(300))
    elif number == 3:
        axes.pie(np.abs(y[0, :6]) + 0.2)
    elif number == 4:
        axes.imshow(np.outer(np.sin(x / rng.uniform(1, 5)), np.cos(x)), cmap=str(rng.choice(["viridis", "magma"])))
    else:
        axes.contourf(cv2.GaussianBlur(rng.normal(0, 1, (40, 50)), (0, 0), 5))
    axes.set_title("value by month")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return _decoded(buffer.getvalue())


def surface(rng: np.random.Generator) -> Pixels:
    """Draw a natural texture: noise with a spectrum of its own in two colors, grain on top."""
    spectrum = np.fft.fft2(rng.normal(0, 1, _SIZE))
    fy, fx = np.fft.fftfreq(_SIZE[0])[:, None], np.fft.fftfreq(_SIZE[1])[None]
    radius = np.hypot(fy * rng.uniform(0.3, 3), fx) + 0.003
    share = np.fft.ifft2(spectrum / radius ** rng.uniform(0.4, 1.6)).real
    share = (share - share.min()) / np.ptp(share)
    first, second = rng.uniform(0, 255, (2, 3))
    mixed = first + (second - first) * share[..., None] + rng.normal(0, rng.uniform(0, 12), (*_SIZE, 1))
    return mixed.clip(0, 255).astype(np.uint8)


def landscape(rng: np.random.Generator) -> Pixels:
    """Draw a sky over hills, each darker than the one behind, and a road now and then."""
    y, x = np.mgrid[: _SIZE[0], : _SIZE[1]].astype(np.float32)
    horizon = rng.uniform(0.3, 0.7) * _SIZE[0]
    low, high = rng.uniform(150, 255, 3), rng.uniform(40, 200, 3)
    image = high + (low - high) * np.clip(y / horizon, 0, 1)[..., None]
    tint = rng.uniform(30, 160, 3)
    for hill in range(int(rng.integers(2, 6))):
        waves = sum(rng.uniform(5, 40) * np.sin(x[0] / rng.uniform(20, 200) + rng.uniform(0, 6)) for _ in range(3))
        under = y > horizon + hill * rng.uniform(20, 70) + waves
        shade = tint * 0.85**hill * rng.uniform(0.8, 1.1, 3)
        image = np.where(under[..., None], shade + rng.normal(0, 6, (*_SIZE, 1)), image)
    page = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        center = int(rng.uniform(200, 440))
        road = np.array([[center - 12, int(horizon)], [center + 12, int(horizon)], [560, 480], [60, 480]])
        cv2.fillPoly(page, [road], (95, 95, 98))
        cv2.line(page, (center, int(horizon)), (310, 480), (230, 230, 220), 4)
    return page


DRAWN: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "handwriting": handwriting,
    "landscape": landscape,
    "plot": plot,
    "surface": surface,
}


def _decoded(png: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
