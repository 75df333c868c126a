"""Materials: color and texture of walls, floors and objects."""

from dataclasses import dataclass, field

import numpy as np

from scenes.colors import Rgb, shade_of
from scenes.placed_objects import PlacedObject
from scenes.shapes import pick


@dataclass(frozen=True)
class Material:
    """Color and procedural texture; `frame` [3, 3] and `origin_m` [3] map world points to texture coordinates."""

    rgb: Rgb
    texture: str = "plain"
    accent: Rgb = (0.0, 0.0, 0.0)
    scale_m: float = 0.1
    gloss: float = 0.0
    glow: float = 0.0
    frame: np.ndarray = field(default_factory=lambda: np.eye(3))
    origin_m: np.ndarray = field(default_factory=lambda: np.zeros(3))


_FLOORS = ("planks", "planks", "planks", "tiles", "tiles", "checker", "fabric", "speckle", "plain")
_WALLS = ("plain", "plain", "plain", "speckle", "stripes", "tiles", "bricks", "dots", "planks")
_PALE = ((236, 230, 218), (226, 232, 236), (238, 226, 214), (214, 226, 214), (232, 220, 226), (224, 224, 222))
_GROUND = (
    (158, 112, 70),
    (120, 82, 54),
    (196, 156, 112),
    (150, 150, 148),
    (196, 188, 176),
    (108, 104, 102),
    (88, 64, 48),
)
_WALL_HUES = ("blue", "green", "gray", "turquoise", "red", "yellow", "brown", "purple")


def _varied(rgb: tuple[int, int, int], rng: np.random.Generator, amount: float) -> Rgb:
    change = rng.uniform(-amount, amount, 3) * 0.4 + rng.uniform(-amount, amount)
    color = np.clip(np.array(rgb) * np.exp(change), 8, 250)
    return float(color[0]), float(color[1]), float(color[2])


def background(rng: np.random.Generator) -> list[Material]:
    """Return the materials of floor, ceiling and the walls at x = 0, x = max, y = 0, y = max."""
    ground = _varied(pick(rng, _GROUND), rng, 0.2)
    texture = pick(rng, _FLOORS)
    scale = {"planks": rng.uniform(0.08, 0.2), "checker": rng.uniform(0.2, 0.5), "tiles": rng.uniform(0.2, 0.6)}.get(
        texture, rng.uniform(0.05, 0.2)
    )
    floor = Material(
        ground, texture, _shaded(ground, rng.uniform(0.45, 0.85)), float(scale), float(rng.uniform(0, 0.12))
    )
    ceiling = Material(_varied((240, 240, 236), rng, 0.05))
    color = _varied(pick(rng, _PALE), rng, 0.12)
    if rng.random() < 0.25:
        hue = shade_of(pick(rng, _WALL_HUES), rng)
        color = _mixed(color, hue)
    style, size = pick(rng, _WALLS), float(rng.uniform(0.12, 0.4))
    plain = Material(color, style, _shaded(color, rng.uniform(0.78, 0.93)), size)
    walls = [plain] * 4
    if rng.random() < 0.3:
        accent = _varied(pick(rng, (*_PALE, (110, 130, 150), (150, 100, 80), (96, 120, 96))), rng, 0.15)
        walls[int(rng.integers(4))] = Material(accent, "plain", accent, size)
    return [floor, ceiling, *walls]


def _mixed(a: Rgb, b: Rgb) -> Rgb:
    return 0.55 * a[0] + 0.45 * b[0], 0.55 * a[1] + 0.45 * b[1], 0.55 * a[2] + 0.45 * b[2]


def _shaded(rgb: Rgb, factor: float) -> Rgb:
    return rgb[0] * factor, rgb[1] * factor, rgb[2] * factor


def of_object(item: PlacedObject) -> dict[str, Material]:
    """Return an object's materials by role."""
    new = item.design
    size = float(np.cbrt(np.prod(new.size_m)))
    frame, origin = item.rotation, item.position_m
    scale = {"wood": 0.05 + 0.05 * size, "fabric": 0.02 + 0.02 * size, "stripes": 0.16 * size, "dots": 0.2 * size,
             "checker": 0.25 * size, "weave": 0.09 * size}.get(new.texture, 0.1)  # fmt: skip
    materials = {"main": Material(new.rgb, new.texture, new.accent, scale, new.kind.gloss, 0.0, frame, origin)}
    for role, rgb in new.role_rgb.items():
        texture = {"wood": "wood", "art": "art"}.get(role, "plain")
        gloss = {"metal": 0.35, "glass": 0.5, "screen": 0.3}.get(role, 0.0)
        glow = {"glow": 1.2, "screen": 0.35}.get(role, 0.0)
        accent = _shaded(rgb, 0.7) if role == "wood" else new.rgb
        scale = 0.06 if role == "wood" else 0.15 * size
        materials[role] = Material(rgb, texture, accent, scale, gloss, glow, frame, origin)
    return materials
