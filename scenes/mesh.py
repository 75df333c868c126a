"""Triangle meshes of simple solids, in meters, z up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

Point = Sequence[float] | np.ndarray
_CREASE_COS = np.cos(np.deg2rad(40))


@dataclass(frozen=True)
class Mesh:
    """Vertices [n, 3] m, faces [m, 3], and vertex normals [n, 3] where the surface is shaded smooth."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray | None = None

    def moved(self, offset: Point) -> "Mesh":
        """Return the mesh shifted by `offset` [3] m."""
        return Mesh(self.vertices + np.asarray(offset, float), self.faces, self.normals)

    def turned(self, rotation: np.ndarray) -> "Mesh":
        """Return the mesh turned about the origin by `rotation` [3, 3]."""
        normals = None if self.normals is None else self.normals @ rotation.T
        return Mesh(self.vertices @ rotation.T, self.faces, normals)


# corner i of a box has bits x = i & 1, y = i & 2, z = i & 4
_CORNERS = np.array([[i & 1, (i >> 1) & 1, (i >> 2) & 1] for i in range(8)], float)
_BOX_FACES = np.array(
    [
        [0, 2, 3], [0, 3, 1], [4, 5, 7], [4, 7, 6], [0, 1, 5], [0, 5, 4],
        [2, 6, 7], [2, 7, 3], [0, 4, 6], [0, 6, 2], [1, 3, 7], [1, 7, 5],
    ]
)  # fmt: skip


def box(lo: Point, hi: Point) -> Mesh:
    """Return the axis-aligned box between two corners."""
    low, high = np.asarray(lo, float), np.asarray(hi, float)
    return Mesh(low + _CORNERS * (high - low), _BOX_FACES)


def hexahedron(bottom: Sequence[Point], top: Sequence[Point]) -> Mesh:
    """Return the solid between two quadrilaterals, each given as (x0 y0, x1 y0, x0 y1, x1 y1)."""
    return Mesh(np.array([*bottom, *top], float), _BOX_FACES)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 16) -> Mesh:
    """Revolve `profile` ((radius, z), outside going up) about z; edges over 40 degrees stay sharp."""
    line = np.asarray(profile, float)
    step = line[1:] - line[:-1]
    outward = np.stack([step[:, 1], -step[:, 0]], 1)
    outward /= np.maximum(np.hypot(outward[:, :1], outward[:, 1:]), 1e-12)
    start, end = outward.copy(), outward.copy()
    smooth = (outward[:-1] * outward[1:]).sum(1) > _CREASE_COS
    mean = outward[:-1] + outward[1:]
    mean /= np.maximum(np.hypot(mean[:, :1], mean[:, 1:]), 1e-12)
    end[:-1][smooth], start[1:][smooth] = mean[smooth], mean[smooth]
    rings = np.stack([line[:-1], line[1:]], 1).reshape(-1, 2)
    slopes = np.stack([start, end], 1).reshape(-1, 2)
    circle = _circle(segments)
    ends = tuple((rings[:, 0] > 1e-9).tolist())
    return Mesh(_sweep(rings, circle), _ring_faces(segments, ends), _sweep(slopes, circle))


@cache
def _circle(segments: int) -> np.ndarray:
    angle = np.arange(segments) * (2 * np.pi / segments)
    return np.stack([np.cos(angle), np.sin(angle)])


def _sweep(rings: np.ndarray, circle: np.ndarray) -> np.ndarray:
    points = np.empty((len(rings), circle.shape[1], 3))
    points[:, :, :2] = rings[:, :1, None] * circle.T
    points[:, :, 2] = rings[:, 1:]
    return points.reshape(-1, 3)


@cache
def _ring_faces(segments: int, ends: tuple[bool, ...]) -> np.ndarray:
    """Return the triangles between pairs of rings; `ends` says which rings have a radius."""
    here = np.arange(segments)
    after = (here + 1) % segments
    lower = np.stack([here, after, after + segments], 1)
    upper = np.stack([here, after + segments, here + segments], 1)
    faces = []
    for ring in range(0, len(ends), 2):
        if ends[ring]:
            faces.append(lower + ring * segments)
        if ends[ring + 1]:
            faces.append(upper + ring * segments)
    return np.concatenate(faces)


def cylinder(radius: float, z0: float, z1: float, segments: int = 16, top_radius: float | None = None) -> Mesh:
    """Return a closed cylinder about z, or a cone frustum when `top_radius` differs."""
    top = radius if top_radius is None else top_radius
    return lathe([(0, z0), (radius, z0), (top, z1), (0, z1)], segments)


def ellipsoid(radii: Point, square: float = 1.0, lats: int = 8, longs: int = 16) -> Mesh:
    """Return an ellipsoid about the origin; `square` < 1 makes it boxier, like a pillow."""
    bent, slope, faces = _ball(square, lats, longs)
    normals = slope / np.asarray(radii, float)
    normals /= np.sqrt((normals * normals).sum(1, keepdims=True))
    return Mesh(bent * np.asarray(radii, float), faces, normals)


@cache
def _ball(square: float, lats: int, longs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lat = np.linspace(-np.pi / 2, np.pi / 2, lats + 1)[:, None]
    lon = np.arange(longs)[None] * (2 * np.pi / longs)
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat) + 0 * lon], 2).reshape(-1, 3)
    unit[np.abs(unit) < 1e-12] = 0
    here = np.arange(longs)
    after = (here + 1) % longs
    faces = []
    for low in range(0, lats * longs, longs):
        if low > 0:
            faces.append(np.stack([here + low, after + low, after + low + longs], 1))
        if low < (lats - 1) * longs:
            faces.append(np.stack([here + low, after + low + longs, here + low + longs], 1))
    sign, size = np.sign(unit), np.abs(unit)
    return sign * size**square, sign * size ** (2 - square), np.concatenate(faces)


def rod(start: Point, end: Point, radius: float, end_radius: float | None = None, segments: int = 8) -> Mesh:
    """Return a closed cylinder or frustum from `start` to `end`."""
    first, last = np.asarray(start, float), np.asarray(end, float)
    length = float(np.sqrt(((last - first) ** 2).sum()))
    a, b, c = (last - first) / length
    # any frame whose third axis is (a, b, c)
    x = np.array([c, 0.0, -a]) / np.hypot(a, c) if abs(b) < 0.9 else np.array([0.0, -c, b]) / np.hypot(b, c)
    y = np.array([b * x[2] - c * x[1], c * x[0] - a * x[2], a * x[1] - b * x[0]])
    axes = np.array([x, y, [a, b, c]])
    round_ = cylinder(radius, 0, length, segments, end_radius)
    return Mesh(round_.vertices @ axes + first, round_.faces, None if round_.normals is None else round_.normals @ axes)


def arc(radius: float, thickness: float, start_rad: float, end_rad: float, steps: int = 8) -> Mesh:
    """Return a bent tube in the xz plane about the origin, as for a handle."""
    angle = np.linspace(start_rad, end_rad, steps + 1)[:, None]
    around = np.arange(6)[None] * (np.pi / 3)
    normal = np.stack([np.cos(around) * np.cos(angle), np.sin(around) + 0 * angle, np.cos(around) * np.sin(angle)], 2)
    center = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], 2) * radius
    vertices = (center + normal * thickness).reshape(-1, 3)
    here = np.arange(6)
    after = (here + 1) % 6
    pair = np.concatenate([np.stack([here, after, after + 6], 1), np.stack([here, after + 6, here + 6], 1)])
    faces = np.concatenate([pair + 6 * i for i in range(steps)])
    return Mesh(vertices, faces, normal.reshape(-1, 3))


def leaf(length: float, width: float, rise_rad: float, yaw_rad: float) -> Mesh:
    """Return a bent leaf of two pieces that grows from the origin, as an open sheet."""
    mid, tip = 0.55 * length, length
    heights = np.array([0, mid * np.sin(rise_rad), mid * np.sin(rise_rad) + (tip - mid) * np.sin(rise_rad - 0.9)])
    along = np.array([0, mid * np.cos(rise_rad), mid * np.cos(rise_rad) + (tip - mid) * np.cos(rise_rad - 0.9)])
    half = width / 2
    points = np.array(
        [
            [along[0], 0, heights[0]],
            [along[1], -half, heights[1]],
            [along[1], half, heights[1]],
            [along[2], 0, heights[2]],
        ]
    )
    return Mesh(points, np.array([[0, 1, 2], [1, 3, 2]])).turned(about_z(yaw_rad))


def about_z(angle_rad: float) -> np.ndarray:
    """Return the rotation [3, 3] about z."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def about_y(angle_rad: float) -> np.ndarray:
    """Return the rotation [3, 3] about y; positive turns z toward x."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def about_x(angle_rad: float) -> np.ndarray:
    """Return the rotation [3, 3] about x; positive turns y toward z."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
