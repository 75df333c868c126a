"""Rooms of a renderer that nothing was trained on: other lamps, textures, fields of view, tone curve and files."""

from dataclasses import replace

import cv2
import numpy as np

from scenes.camera import Lens
from scenes.decor import Material
from scenes.render import render_frame
from scenes.rooms import furnished_room
from scenes.scene import Scene
from scenes.settings import ROOM_KINDS
from scenes.shading import Light, Lighting
from scenes.textures import PATTERNS
from scenes.views import path

FIELD_DEG = (32.0, 95.0)
_TRIES = 60


def _diamonds(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    return ((np.abs(u / s - np.rint(u / s)) + np.abs(v / s - np.rint(v / s))) < 0.5).astype(np.float32)


def _zigzag(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    wave = v / s + 0.5 * np.abs(u / s - np.rint(u / s))
    return (wave - np.floor(wave) < 0.4).astype(np.float32)


def _marble(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    bent = u / s + 0.8 * np.sin(v / (2.3 * s)) + 0.4 * np.sin(3.1 * u / s + 1.7 * v / s)
    return (0.5 + 0.5 * np.sin(2 * bent)).astype(np.float32) ** 3


def _rings(u: np.ndarray, v: np.ndarray, s: float) -> np.ndarray:
    radius = np.hypot(u / s - np.rint(u / (4 * s)) * 4, v / s - np.rint(v / (4 * s)) * 4)
    return (radius - np.floor(radius) < 0.3).astype(np.float32)


NEW_PATTERNS = {"diamonds": _diamonds, "zigzag": _zigzag, "marble": _marble, "rings": _rings}


def changed_room(seed: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """Return the JPEG file of a room; equal seeds give equal bytes."""
    for attempt in range(_TRIES):
        rng = np.random.default_rng([seed, attempt])
        room = furnished_room(ROOM_KINDS[int(rng.integers(len(ROOM_KINDS)))], rng, None)
        if not room.objects:
            continue
        scene = Scene(room, rng)
        field = np.deg2rad(rng.uniform(*FIELD_DEG))
        lens = Lens(size[0] / 2 / float(np.tan(field / 2)), ((size[0] - 1) / 2, (size[1] - 1) / 2), size)
        views = path(scene, lens, 1, rng)
        if views is None:
            continue
        scene.materials = [_redecorated(material, rng) for material in scene.materials]
        known = dict(PATTERNS)
        PATTERNS.update(NEW_PATTERNS)
        try:
            frame = render_frame(scene, lens.camera(views[0]), _lighting(room.size_m, rng), rng)
        finally:
            PATTERNS.clear()
            PATTERNS.update(known)
        return _file(frame.rgb, rng)
    raise AssertionError(f"no room of seed {seed} shows anything")


def _redecorated(material: Material, rng: np.random.Generator) -> Material:
    if material.glow or rng.random() < 0.5:
        return material
    accent = np.clip(np.array(material.rgb) * rng.uniform(0.4, 1.5, 3), 5, 250)
    names = tuple(NEW_PATTERNS)
    return replace(
        material,
        texture=names[int(rng.integers(len(names)))],
        accent=(float(accent[0]), float(accent[1]), float(accent[2])),
        scale_m=float(np.exp(rng.uniform(np.log(0.05), np.log(0.5)))),
        gloss=float(rng.uniform(0, 0.5)) if rng.random() < 0.3 else material.gloss,
    )


def _lighting(size_m: tuple[float, float, float], rng: np.random.Generator) -> Lighting:
    """Draw one to three lamps at any height, of strong warm and cold tints, and other exposures."""
    lights = []
    for _ in range(int(rng.integers(1, 4))):
        place = np.array(size_m) * rng.uniform((0.05, 0.05, 0.4), (0.95, 0.95, 0.98))
        tint = rng.uniform((0.8, 0.7, 0.5), (1.0, 1.0, 1.2)) * rng.uniform(0.3, 1.4)
        lights.append(Light(_three(place), float(rng.uniform(0, 0.3)), _three(tint)))
    ambient = rng.uniform(0.2, 0.8) * rng.uniform(0.85, 1.15, 3)
    return Lighting(
        lights=tuple(lights),
        ambient=_three(ambient),
        key=float(rng.uniform(0.16, 0.42)),
        blur_px=float(rng.uniform(0.3, 1.2)),
        noise=float(rng.uniform(0, 5)),
    )


def _three(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _file(rgb: np.ndarray, rng: np.random.Generator) -> bytes:
    toned = 255 * (rgb / np.float32(255)) ** np.float32(rng.uniform(0.8, 1.25))
    quality = int(rng.integers(75, 99))
    _, data = cv2.imencode(".jpg", toned[..., ::-1].round().astype(np.uint8), (cv2.IMWRITE_JPEG_QUALITY, quality))
    return data.tobytes()
