"""Draws images that are not rooms, which the filter must reject."""

from collections.abc import Callable

import numpy as np

from scenes.camera import Attitude, Lens
from scenes.flat_images import chart, document, screenshot, texture
from scenes.placed_objects import KINDS, PlacedObject, design
from scenes.placement import Room
from scenes.render import Frame, render_frame
from scenes.room_images import room_images
from scenes.scene import Scene
from scenes.settings import RenderSettings
from scenes.shading import random_lighting
from scenes.shapes import pick

Pixels = np.ndarray
_FIELD_RAD = (0.5, 0.9)
_EMPTY_ROOM_M = 8.0


def negative(kind: str, size: tuple[int, int], seed: int) -> Pixels:
    """Draw an image [height, width, 3] uint8 of a kind in `NEGATIVES`; equal seeds give equal pixels."""
    return NEGATIVES[kind](size, np.random.default_rng([seed, sorted(NEGATIVES).index(kind)]))


def close_up(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw one object that fills the image."""
    return _alone(size, rng, fill=float(rng.uniform(1.1, 2.2))).rgb


def product(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw one object on a plain light background, like a product photo."""
    frame = _alone(size, rng, fill=float(rng.uniform(0.45, 0.85)))
    ground = np.array([rng.uniform(225, 255)] * 3) + rng.uniform(-8, 0, 3)
    return np.where((frame.object_index >= 0)[..., None], frame.rgb, ground.astype(np.uint8))


def collage(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Draw several images side by side, rooms and others, with or without a border."""
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(1, 4))
    gap = int(rng.integers(0, 6))
    canvas = np.full((size[1], size[0], 3), int(rng.integers(0, 256)), np.uint8)
    xs = np.linspace(0, size[0] + gap, columns + 1).astype(int)
    ys = np.linspace(0, size[1] + gap, rows + 1).astype(int)
    for x0, x1 in zip(xs[:-1], xs[1:] - gap, strict=True):
        for y0, y1 in zip(ys[:-1], ys[1:] - gap, strict=True):
            canvas[y0:y1, x0:x1] = _tile((x1 - x0, y1 - y0), rng)
    return canvas


def _tile(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    if rng.random() < 0.3:
        return texture(size, rng)
    width, height = max(size[0], 64), max(size[1], 64)
    settings = RenderSettings(out=".", count=1, seed=int(rng.integers(2**31)), width=width, height=height)
    return room_images(settings, 0)[0].frame.rgb[: size[1], : size[0]]


def _alone(size: tuple[int, int], rng: np.random.Generator, fill: float) -> Frame:
    """Render one object in an empty room; `fill` is its size relative to the image."""
    new = design(str(pick(rng, tuple(KINDS))), rng)
    middle = _EMPTY_ROOM_M / 2
    # at the center of the room, so that the camera fits anywhere around it
    item = PlacedObject(new, np.array([middle, middle, middle - new.size_m[2] / 2]), float(rng.uniform(-np.pi, np.pi)))
    room = Room("living room", (_EMPTY_ROOM_M, _EMPTY_ROOM_M, _EMPTY_ROOM_M), rng, [item])
    focal = size[0] / 2 / np.tan(rng.uniform(*_FIELD_RAD) / 2)
    reach = float(np.linalg.norm(new.size_m))
    distance = float(np.clip(focal * reach / (fill * min(size)), 0.55 * reach, 0.9 * middle))
    yaw, pitch = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(-0.1, 0.9))
    attitude = Attitude(
        (
            middle - distance * np.cos(yaw) * np.cos(pitch),
            middle - distance * np.sin(yaw) * np.cos(pitch),
            middle + distance * np.sin(pitch),
        ),
        yaw,
        pitch,
        float(rng.normal(0, 0.1)),
    )
    lens = Lens(float(focal), ((size[0] - 1) / 2, (size[1] - 1) / 2), size)
    return render_frame(Scene(room, rng), lens.camera(attitude), random_lighting((8.0, 8.0, 8.0), rng), rng)


NEGATIVES: dict[str, Callable[[tuple[int, int], np.random.Generator], Pixels]] = {
    "chart": chart,
    "close-up": close_up,
    "collage": collage,
    "document": document,
    "product": product,
    "screenshot": screenshot,
    "texture": texture,
}
