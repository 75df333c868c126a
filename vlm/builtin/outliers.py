"""Rooms spoiled into images that no room gives: what the novelty test learns to tell rooms from.

No image of anything else is used. What is spoiled is what renderings share: surfaces of one color or pattern, straight
edges, one scene seen from one place, the right way up.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Light = NDArray[np.floating[Any]]


def outlier(rgb: Image, other: Image, rng: np.random.Generator) -> Image:
    """Return a room [h, w, 3] spoiled in one or two of the ways of `_WAYS`; `other` is a second room."""
    second = np.asarray(cv2.resize(other, (rgb.shape[1], rgb.shape[0])), np.float32) / 255
    spoiled = _WAYS[int(rng.integers(len(_WAYS)))](rgb.astype(np.float32) / 255, second, rng)
    if rng.random() < 0.3:
        spoiled = _textured(np.clip(spoiled, 0, 1), second, rng)
    return (np.clip(spoiled, 0, 1) * 255).astype(np.uint8)


def _field(shape: tuple[int, ...], rng: np.random.Generator, power: float, aspect: float = 1.0) -> Light:
    """Return noise [h, w] of mean 0 and spread 1 whose amplitude falls with the frequency to `power`."""
    height, width = shape[:2]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None] * aspect) + 1 / max(height, width)
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((height, width))) / radius**power).real
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def _textured(image: Light, _: Light, rng: np.random.Generator) -> Light:
    """Cover all surfaces with one random texture, as if all were stone, cloth or grass."""
    amplitude = float(np.exp(rng.uniform(np.log(0.06), np.log(0.5))))
    shade: Light = (
        amplitude * _field(image.shape, rng, rng.uniform(0.3, 1.6), float(np.exp(rng.normal(0, 0.5))))[..., None]
    )
    if rng.random() < 0.5:
        shade = shade + 0.4 * amplitude * np.stack([_field(image.shape, rng, 1.0) for _channel in range(3)], 2)
    return image * np.exp(shade)


def _mixed(image: Light, other: Light, rng: np.random.Generator) -> Light:
    """Show another room through holes of random outlines."""
    holes = (_field(image.shape, rng, rng.uniform(1.5, 2.5)) > rng.normal(0, 0.4)).astype(np.float32)
    share = cv2.GaussianBlur(holes, (0, 0), 1)[..., None]
    return image * share + other * (1 - share)


def _doubled(image: Light, other: Light, rng: np.random.Generator) -> Light:
    share = float(rng.uniform(0.35, 0.65))
    return share * image + (1 - share) * other


def _warped(image: Light, _: Light, rng: np.random.Generator) -> Light:
    """Bend all lines."""
    height, width = image.shape[:2]
    amplitude, extent = rng.uniform(0.03, 0.12) * width, rng.uniform(0.03, 0.15) * width
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moves = [cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), extent) for _ in "xy"]
    dx, dy = (np.float32(amplitude / 2) * move / move.std() for move in moves)
    return np.asarray(cv2.remap(image, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)


def _scrambled(image: Light, _: Light, rng: np.random.Generator) -> Light:
    """Turn the phases of all frequencies, which keeps the spectrum and loses the shapes."""
    turn = rng.uniform(0.3, 1.0) * np.angle(np.fft.fft2(rng.standard_normal(image.shape[:2])))
    spectrum = np.fft.fft2(image, axes=(0, 1)) * np.exp(1j * turn)[..., None]
    return np.fft.ifft2(spectrum, axes=(0, 1)).real.astype(np.float32)


def _tiled(image: Light, _: Light, rng: np.random.Generator) -> Light:
    """Shuffle tiles of the image."""
    count = int(rng.integers(3, 9))
    height, width = image.shape[0] // count, image.shape[1] // count
    cut = image[: height * count, : width * count].reshape(count, height, count, width, 3).swapaxes(1, 2)
    tiles = cut.reshape(count * count, height, width, 3)[rng.permutation(count * count)]
    return tiles.reshape(count, count, height, width, 3).swapaxes(1, 2).reshape(height * count, width * count, 3)


def _sharpened(image: Light, _: Light, rng: np.random.Generator) -> Light:
    soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.6, 2.5)))
    return image + float(rng.uniform(1.0, 3.5)) * (image - soft)


def _littered(image: Light, _: Light, rng: np.random.Generator) -> Light:
    """Strew many small disks and strokes over the image."""
    height, width = image.shape[:2]
    littered = image.copy()
    for _number in range(int(rng.integers(100, 1500))):
        x0, y0, x1, y1 = (int(rng.integers(limit)) for limit in (width, height, width, height))
        radius = int(np.exp(rng.uniform(0, np.log(12))))
        color = tuple(float(value) for value in littered[y0, x0] * np.exp(rng.normal(0, 0.5, 3)))
        if rng.random() < 0.5:
            cv2.circle(littered, (x1, y1), radius, color, -1, cv2.LINE_AA)
        else:
            end = x0 + int(rng.normal(0, 20)), y0 + int(rng.normal(0, 20))
            cv2.line(littered, (x0, y0), end, color, max(1, radius // 4), cv2.LINE_AA)
    return littered


def _turned(image: Light, _: Light, rng: np.random.Generator) -> Light:
    """Show the negative, or turn the image upside down or onto its side."""
    kind = int(rng.integers(4))
    return 1 - image if kind == 0 else np.ascontiguousarray(np.rot90(image, kind))


_WAYS: tuple[Callable[[Light, Light, np.random.Generator], Light], ...] = (
    _textured, _textured, _textured, _mixed, _doubled, _warped, _scrambled, _tiled, _sharpened, _littered, _littered,
    _turned,
)  # fmt: skip
