"""Light: Lambert with one or two point lights, shadows, ambient light with occlusion, gloss and glow.

Planes [3, n] rather than points [n, 3] throughout, since numpy works through long rows several times faster.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from scenes.camera import Camera
from scenes.scene import Hits, Scene
from scenes.textures import BACKGROUND_AXES, blend

_OFFSET_M = 1e-3


@dataclass(frozen=True)
class Light:
    """A round lamp: position [3] m, radius m, and linear color."""

    position_m: tuple[float, float, float]
    radius_m: float
    rgb: tuple[float, float, float]


@dataclass(frozen=True)
class Lighting:
    """Lamps, ambient light and exposure of a room."""

    lights: tuple[Light, ...]
    ambient: tuple[float, float, float]
    key: float
    blur_px: float
    noise: float


def random_lighting(size_m: tuple[float, float, float], rng: np.random.Generator) -> Lighting:
    """Draw one or two lamps below the ceiling and an ambient level."""
    x, y, z = size_m
    warm = rng.uniform(0.86, 1.06)
    color = (1.0, float(0.5 + 0.5 * warm), float(warm))
    lights = []
    for i in range(1 + int(rng.random() < 0.35)):
        place = (float(rng.uniform(0.2, 0.8) * x), float(rng.uniform(0.2, 0.8) * y), float(z * rng.uniform(0.86, 0.97)))
        power = rng.uniform(0.7, 1.2) if i == 0 else rng.uniform(0.25, 0.6)
        radius = float(rng.uniform(0.03, 0.16)) if rng.random() < 0.7 else 0.0
        lights.append(Light(place, radius, (power * color[0], power * color[1], power * color[2])))
    level = rng.uniform(0.34, 0.6)
    return Lighting(
        lights=tuple(lights),
        ambient=(float(level), float(level), float(level * rng.uniform(0.95, 1.12))),
        key=float(rng.uniform(0.2, 0.36)),
        blur_px=float(rng.uniform(0.4, 0.7)),
        noise=float(rng.uniform(0.6, 3.0)),
    )


@dataclass(frozen=True, eq=False)
class Lit:
    """Lit points: positions offset from the surface [n, 3]; positions, normals and rays as planes [3, n]."""

    lifted: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    rays: np.ndarray
    glossy: np.ndarray
    shape: tuple[int, int]


def shaded(
    scene: Scene, camera: Camera, seen: tuple[np.ndarray, Hits], lighting: Lighting, rng: np.random.Generator
) -> np.ndarray:
    """Return linear light [h, w, 3] float32 along rays [n, 3], given their hits."""
    rays, hits = np.ascontiguousarray(seen[0].T), seen[1]
    width, height = camera.size_px
    normals = _normals(scene, hits, rays)
    points = rays * hits.z
    points += camera.position_m.astype(np.float32)[:, None]
    material = scene.face_material[hits.face]
    color = _albedo(scene, material, points, normals, hits.z / np.float32(camera.focal_px))
    points += normals * np.float32(_OFFSET_M)
    gloss = np.array([m.gloss for m in scene.materials], np.float32)
    glossy = np.flatnonzero((gloss > 0)[material])
    surface = Lit(np.ascontiguousarray(points.T), points, normals, rays, glossy, (height, width))
    ambient = _ambient(scene, surface, rng)
    glow = np.array([m.glow for m in scene.materials], np.float32)
    shade = glow[material] + ambient * np.array(lighting.ambient, np.float32)[:, None]
    shine = np.zeros(len(glossy), np.float32)
    for light in lighting.lights:
        lit, glint = _direct(scene, light, surface, rng)
        shade += lit * np.array(light.rgb, np.float32)[:, None]
        shine += glint
    color *= shade
    color[:, glossy] += gloss[material[glossy]] * shine
    return cv2.merge([plane.reshape(height, width) for plane in color])


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _normals(scene: Scene, hits: Hits, rays: np.ndarray) -> np.ndarray:
    normals = np.take(scene.face_normals, hits.face, axis=1)
    smooth = np.flatnonzero(scene.face_smooth[hits.face])
    if len(smooth):
        corners = scene.faces[hits.face[smooth]]
        u, v = hits.u[smooth][:, None], hits.v[smooth][:, None]
        n = scene.vertex_normals
        mixed = ((1 - u - v) * n[corners[:, 0]] + u * n[corners[:, 1]] + v * n[corners[:, 2]]).T
        normals[:, smooth] = mixed / np.maximum(np.sqrt(_dot(mixed, mixed)), 1e-6)
    normals *= np.where(_dot(normals, rays) > 0, np.float32(-1), np.float32(1))
    return normals


def _albedo(
    scene: Scene, material: np.ndarray, points: np.ndarray, normals: np.ndarray, footprint_m: np.ndarray
) -> np.ndarray:
    base = np.ascontiguousarray(((np.array([m.rgb for m in scene.materials], np.float32) / 255) ** 2).T)
    color = np.take(base, material, axis=1)
    for index in np.flatnonzero(np.bincount(material, minlength=len(scene.materials))):
        look = scene.materials[index]
        if look.texture == "plain":
            continue
        here = np.flatnonzero(material == index)
        if index < len(BACKGROUND_AXES):
            first, second = BACKGROUND_AXES[index]
            u, v = points[first][here], points[second][here]
        else:
            u, v = _chart(look.frame, look.origin_m, points[:, here], normals[:, here])
        share = blend(look.texture, (u, v), look.scale_m, footprint_m[here])
        accent = (np.array(look.accent, np.float32) / 255) ** 2
        for channel in range(3):
            color[channel][here] += share * (accent[channel] - base[channel, index])
    return color


def _chart(
    frame: np.ndarray, origin_m: np.ndarray, points: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return texture coordinates, m: the two object axes most parallel to the surface."""
    turn = frame.T.astype(np.float32)
    local = turn @ (points - origin_m.astype(np.float32)[:, None])
    size = np.abs(turn @ normals)
    along_x = (size[0] >= size[1]) & (size[0] >= size[2])
    level = ~along_x & (size[2] > size[1])
    return np.where(along_x, local[1], local[0]), np.where(level, local[1], local[2])


def _direct(scene: Scene, light: Light, surface: Lit, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return one lamp's diffuse light [n] and the highlight at glossy pixels, both with shadow."""
    place = np.array(light.position_m, np.float32)
    open_to = _open_to(scene, light, surface, rng)
    towards = place[:, None] - surface.points
    square = _dot(towards, towards)
    slant = np.maximum(_dot(surface.normals, towards), 0)
    lit = slant * open_to * 6 / (np.sqrt(square) * (2 + square))
    at = surface.glossy
    eye, towards, normals = surface.rays[:, at], towards[:, at], surface.normals[:, at]
    half = towards / np.sqrt(square[at]) - eye / np.sqrt(_dot(eye, eye))
    facing = np.maximum(_dot(normals, half), 0) ** 2 / np.maximum(_dot(half, half), 1e-6)
    return lit, facing**32 * open_to[at]


def _open_to(scene: Scene, light: Light, surface: Lit, rng: np.random.Generator) -> np.ndarray:
    """Return the visible share of a lamp per point [n]; soft shadows are sampled at half resolution."""
    place, (height, width) = np.array(light.position_m, np.float32), surface.shape
    if light.radius_m == 0:
        return np.where(scene.blocked(surface.lifted, place - surface.lifted, 0.999), np.float32(0), np.float32(1))
    points = np.ascontiguousarray(surface.lifted.reshape(height, width, 3)[::2, ::2].reshape(-1, 3))
    jitter = rng.integers(-127, 128, points.shape, dtype=np.int8)
    sample = place - points + jitter * np.float32(light.radius_m / 127)
    seen = np.where(scene.blocked(points, sample, 0.999), np.float32(0), np.float32(1))
    small = cv2.blur(seen.reshape((height + 1) // 2, (width + 1) // 2), (5, 5))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).ravel()


def _ambient(scene: Scene, surface: Lit, rng: np.random.Generator) -> np.ndarray:
    """Return sky-like light [n]: brighter from above, darker in corners (sampled at half resolution)."""
    height, width = surface.shape
    points = np.ascontiguousarray(surface.lifted.reshape(height, width, 3)[::2, ::2].reshape(-1, 3))
    outward = surface.normals.reshape(3, height, width)[:, ::2, ::2].reshape(3, -1)
    around = rng.integers(-127, 128, outward.shape, dtype=np.int8).astype(np.float32)
    around /= np.maximum(np.sqrt(_dot(around, around)), 1)
    directions = np.ascontiguousarray((outward * np.float32(1.02) + around).T)
    hidden = scene.blocked(points, directions, 0.45).astype(np.float32)
    small = cv2.blur(hidden.reshape((height + 1) // 2, (width + 1) // 2), (11, 11))
    dark = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).ravel()
    return (1 - np.float32(0.75) * dark) * (np.float32(0.8) + np.float32(0.2) * surface.normals[2])
