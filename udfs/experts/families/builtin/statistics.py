"""Statistics of pixels that tell rendered images from others: texture, noise and color at several scales."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
_FLOOR = 1e-3
_BLOCK = 16
_HIGH_PASS = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], np.float32) / 4
_STEPS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))


def coarse_statistics(rgb: Pixels) -> Pixels:
    """Return 75 statistics of an image [h, w, 3] in 0..1 at the network's size: gradients, blocks and colors."""
    found: list[float] = []
    level = rgb
    for scale in range(3):
        if scale:
            half = max(level.shape[1] // 2, 2), max(level.shape[0] // 2, 2)
            level = np.asarray(cv2.resize(level, half, interpolation=cv2.INTER_AREA), np.float32)
        found += _of_scale(level, max(8 >> scale, 4))
    saturation = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV)[..., 1]
    gray = rgb.mean(2)
    share = np.histogram(gray, 32, (0, 1))[0] / gray.size
    rows, columns = gray.mean(1), gray.mean(0)
    third = max(len(rows) // 3, 1)
    found += [
        *np.quantile(saturation, (0.05, 0.25, 0.5, 0.75, 0.95)),
        *np.quantile(gray, (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)),
        float((gray < 0.03).mean()),
        float((gray > 0.97).mean()),
        -float((share * np.log(share + 1e-9)).sum()),
        float(rows[:third].mean() - rows[-third:].mean()),
        float(np.log(np.abs(np.diff(rows)).mean() + 1e-4)),
        float(np.log(np.abs(np.diff(columns)).mean() + 1e-4)),
    ]
    return np.array(found, np.float32)


def _of_scale(level: Pixels, block: int) -> list[float]:
    gray = level.mean(2)
    light = _gradient(gray)
    red_green, blue_yellow = level[..., 0] - level[..., 1], level[..., 2] - (level[..., 0] + level[..., 1]) / 2
    tint = np.hypot(_gradient(red_green), _gradient(blue_yellow))
    curved = cv2.Laplacian(gray, cv2.CV_32F, ksize=1)
    spread = float(curved.std())
    return [
        *_log_quantiles(light, _QUANTILES),
        *_log_quantiles(tint, _QUANTILES[1:]),
        float(np.log(spread + 1e-4)),
        float(np.log(np.abs(curved).mean() / (spread + 1e-6) + _FLOOR)),
        _correlation(light, tint),
        *_log_quantiles(_blocks(gray, block).std(1), (0.05, 0.25, 0.5, 0.75, 0.95)),
    ]


def fine_statistics(rgb: NDArray[np.uint8]) -> Pixels:
    """Return 14 statistics of an image [h, w, 3] at full size: noise of its flattest parts, and how flat they are."""
    side = min(rgb.shape[:2])
    if side < _BLOCK:
        factor = _BLOCK / side
        rgb = np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR), np.uint8)
    pixels = rgb.astype(np.float32)
    gray = pixels.mean(2)
    active = _blocks(cv2.Sobel(gray, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(gray, cv2.CV_32F, 0, 1) ** 2, _BLOCK).mean(1)
    light = _blocks(gray, _BLOCK).mean(1)
    usable = (light > 15) & (light < 240)
    if usable.sum() < 8:
        usable[:] = True
    active = active[usable]
    flattest = np.argsort(active, kind="stable")[: max(8, len(active) // 5)]
    high = cv2.filter2D(pixels, -1, _HIGH_PASS)
    residual = np.stack([_blocks(high[..., c], _BLOCK)[usable][flattest] for c in range(3)], 2)
    spread = residual.std(1)
    local = pixels - cv2.blur(pixels, (5, 5))
    patches = np.stack([_blocks(local[..., c], _BLOCK)[usable][flattest] for c in range(3)], 2)
    patches = patches.reshape(-1, _BLOCK, _BLOCK, 3)
    power = np.maximum((patches**2).mean((1, 2, 3)), 1e-2)
    found = [
        *_log_quantiles(spread.mean(1), (0.1, 0.5, 0.9), 0.05),
        *(_shared_noise(residual, spread, pair) for pair in ((0, 1), (1, 2), (0, 2))),
        *(float(np.median(_product(patches, step) / power)) for step in _STEPS),
        float(np.log(np.quantile(active, 0.1) + 1)),
        float(np.log(np.quantile(active, 0.5) + 1)),
        float(np.median(np.log(spread[:, 1] + 0.05) - np.log(spread[:, [0, 2]].mean(1) + 0.05))),
    ]
    return np.array(found, np.float32)


def _shared_noise(residual: Pixels, spread: Pixels, pair: tuple[int, int]) -> float:
    """Return the median correlation of two channels' noise within blocks."""
    first, second = pair
    product = (residual[..., first] * residual[..., second]).mean(1)
    return float(np.median(product / (spread[:, first] * spread[:, second] + 1e-3)))


def _product(patches: Pixels, step: tuple[int, int]) -> Pixels:
    down, right = step
    here, there = patches[:, : _BLOCK - down, : _BLOCK - right], patches[:, down:, right:]
    return (here * there).mean((1, 2, 3))


def _gradient(plane: Pixels) -> Pixels:
    return np.hypot(plane[:-1, 1:] - plane[:-1, :-1], plane[1:, :-1] - plane[:-1, :-1])


def _blocks(plane: Pixels, side: int) -> Pixels:
    """Return the blocks of a plane [h, w] as rows [n, side * side]; a plane smaller than one is one."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    if not rows or not columns:
        return plane.reshape(1, -1)
    cut = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return cut.swapaxes(1, 2).reshape(-1, side * side)


def _log_quantiles(values: Pixels, shares: tuple[float, ...], floor: float = _FLOOR) -> list[float]:
    return [float(value) for value in np.log(np.quantile(values, shares) + floor)]


def _correlation(a: Pixels, b: Pixels) -> float:
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 1e-9 else 0.0
