"""Rooms that are rendered in many other ways than crawls are: what a test for rooms must take for one all the same."""

from dataclasses import replace

import numpy as np

from scenes.camera import Lens
from scenes.colors import NAMED
from scenes.decor import Material
from scenes.render import render_frame
from scenes.rooms import furnished_room
from scenes.scene import Scene
from scenes.settings import ROOM_KINDS
from scenes.shading import Light, Lighting
from scenes.shapes import pick
from scenes.textures import PATTERNS
from scenes.views import path

Pixels = np.ndarray
_FIELD_DEG = (28.0, 100.0)
_REDECORATED = 0.5


def varied_room(size: tuple[int, int], seed: int) -> Pixels:
    """Draw a room [height, width, 3] uint8 with any lamps, patterns and lens; equal seeds give equal pixels."""
    attempt = 0
    while True:
        rng = np.random.default_rng([seed, attempt])
        attempt += 1
        room = furnished_room(pick(rng, ROOM_KINDS), rng, None)
        if not room.objects:
            continue
        scene = Scene(room, rng)
        scene.materials = [_redecorated(material, rng) for material in scene.materials]
        field = np.deg2rad(rng.uniform(*_FIELD_DEG))
        lens = Lens(float(size[0] / 2 / np.tan(field / 2)), ((size[0] - 1) / 2, (size[1] - 1) / 2), size)
        views = path(scene, lens, 1, rng)
        if views is not None:
            return render_frame(scene, lens.camera(views[0]), _lighting(room.size_m, rng), rng).rgb


def _redecorated(material: Material, rng: np.random.Generator) -> Material:
    """Give a surface any pattern of any size, and some surfaces another color."""
    if material.glow or rng.random() > _REDECORATED:
        return material
    rgb = np.array(material.rgb if rng.random() < 0.6 else pick(rng, tuple(NAMED.values())), float)
    rgb = np.clip(rgb * rng.uniform(0.7, 1.3, 3), 5, 250)
    accent = np.clip(rgb * rng.uniform(0.4, 1.5, 3), 5, 250) if rng.random() < 0.7 else rng.uniform(5, 250, 3)
    return replace(
        material,
        rgb=_three(rgb),
        accent=_three(accent),
        texture=pick(rng, tuple(PATTERNS)),
        scale_m=float(np.exp(rng.uniform(np.log(0.03), np.log(0.6)))),
        gloss=float(rng.uniform(0, 0.6)) if rng.random() < 0.3 else material.gloss,
    )


def _lighting(size_m: tuple[float, float, float], rng: np.random.Generator) -> Lighting:
    lights = []
    for _ in range(int(rng.integers(1, 4))):
        place = np.array(size_m) * rng.uniform((0.05, 0.05, 0.3), (0.95, 0.95, 0.98))
        tint = rng.uniform(0.6, 1.2, 3) * rng.uniform(0.3, 1.5)
        lights.append(Light(_three(place), float(rng.uniform(0, 0.3)), _three(tint)))
    return Lighting(
        lights=tuple(lights),
        ambient=_three(rng.uniform(0.1, 0.9) * rng.uniform(0.8, 1.2, 3)),
        key=float(rng.uniform(0.14, 0.45)),
        blur_px=float(rng.uniform(0.3, 1.3)),
        noise=float(rng.uniform(0, 6)),
    )


def _three(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
