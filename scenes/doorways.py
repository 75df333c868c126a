"""Doorways: an opening of a wall down to the floor, with a corridor behind it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scenes.mesh import Mesh

THICK_M = 0.1
_CORRIDOR_M, _BESIDE_M, _FREE_M = (1.2, 3.0), 0.8, 0.9
_WIDTH_M, _HEIGHT_M = (0.7, 1.6), (1.95, 2.15)
_FROM_CORNER_M = 0.35
_FLOOR, _CEILING, _WALL = 0, 1, 2
_QUAD = np.array([[0, 1, 2], [0, 2, 3]])

Corners = list[tuple[float, float, float]]


@dataclass(frozen=True)
class Doorway:
    """A doorway in one wall (x = 0, x = max, y = 0, y = max), from `start_m` along it, and the corridor's depth."""

    wall: int
    start_m: float
    width_m: float
    height_m: float
    corridor_m: float

    def world(self, points: np.ndarray, size_m: tuple[float, float, float]) -> np.ndarray:
        """Return points [n, 3], along the wall, outward and up, in the world."""
        along, out, up = points.T
        length = size_m[0 if self.wall < 2 else 1]
        across = -out if self.wall % 2 == 0 else length + out
        return np.stack([across, along, up] if self.wall < 2 else [along, across, up], axis=1)

    def blocks(self, low: np.ndarray, high: np.ndarray, size_m: tuple[float, float, float]) -> bool:
        """Return whether an upright box, by two corners [2] of its footprint, stands in the doorway or before it."""
        ends = [(self.start_m, -_FREE_M, 0.0), (self.start_m + self.width_m, 0.0, 0.0)]
        corners = self.world(np.array(ends), size_m)[:, :2]
        return bool(np.all(high > corners.min(0)) and np.all(low < corners.max(0)))

    def wall_mesh(self, size_m: tuple[float, float, float]) -> Mesh:
        """Return the wall without the opening."""
        full, top, end = self._length(size_m), size_m[2], self.start_m + self.width_m
        parts: list[Corners] = [
            _upright(0.0, self.start_m, 0.0, top),
            _upright(end, full, 0.0, top),
            _upright(self.start_m, end, self.height_m, top),
        ]
        return self._mesh(parts, size_m)

    def corridor(self, size_m: tuple[float, float, float]) -> list[tuple[Mesh, int]]:
        """Return jambs and corridor as meshes with the index of their material."""
        start, end, deep, top = self.start_m, self.start_m + self.width_m, self.corridor_m, size_m[2]
        left, right, thick = start - _BESIDE_M, end + _BESIDE_M, THICK_M
        walls = [
            _side(start, 0.0, thick, self.height_m),
            _side(end, 0.0, thick, self.height_m),
            _side(left, thick, deep, top),
            _side(right, thick, deep, top),
            [(left, deep, 0.0), (right, deep, 0.0), (right, deep, top), (left, deep, top)],
        ]
        floors = [_level(start, end, 0.0, thick, 0.0), _level(left, right, thick, deep, 0.0)]
        ceilings = [_level(start, end, 0.0, thick, self.height_m), _level(left, right, thick, deep, top)]
        kinds = ((walls, _WALL + self.wall), (floors, _FLOOR), (ceilings, _CEILING))
        return [(self._mesh(parts, size_m), material) for parts, material in kinds]

    def row(self, size_m: tuple[float, float, float]) -> dict[str, Any]:
        """Return the exact truth for the manifest: the doorway, and the two feet of its sides in the world, m."""
        ends = [(self.start_m, 0.0, 0.0), (self.start_m + self.width_m, 0.0, 0.0)]
        return {**asdict(self), "ends_m": self.world(np.array(ends), size_m)[:, :2].tolist()}

    def _length(self, size_m: tuple[float, float, float]) -> float:
        return size_m[1 if self.wall < 2 else 0]

    def _mesh(self, parts: list[Corners], size_m: tuple[float, float, float]) -> Mesh:
        vertices = self.world(np.array([corner for part in parts for corner in part]), size_m)
        return Mesh(vertices, np.concatenate([_QUAD + 4 * k for k in range(len(parts))]))


def doorway_of(size_m: tuple[float, float, float], rng: np.random.Generator) -> Doorway:
    """Draw a doorway for a room of a size (x, y, height), m."""
    wall = int(rng.integers(4))
    length = size_m[1 if wall < 2 else 0]
    width = float(rng.uniform(_WIDTH_M[0], min(_WIDTH_M[1], length - 3 * _FROM_CORNER_M)))
    start = float(rng.uniform(_FROM_CORNER_M, length - width - _FROM_CORNER_M))
    return Doorway(wall, start, width, float(rng.uniform(*_HEIGHT_M)), float(rng.uniform(*_CORRIDOR_M)))


def doorways_in(row: Mapping[str, Any]) -> list[Doorway]:
    """Return the doorways of a manifest row; none where the room was rendered without."""
    names = Doorway.__dataclass_fields__
    return [Doorway(**{name: one[name] for name in names}) for one in row.get("doorways") or ()]


def _upright(start: float, end: float, low: float, high: float) -> Corners:
    return [(start, 0.0, low), (end, 0.0, low), (end, 0.0, high), (start, 0.0, high)]


def _side(along: float, near: float, far: float, high: float) -> Corners:
    return [(along, near, 0.0), (along, far, 0.0), (along, far, high), (along, near, high)]


def _level(start: float, end: float, near: float, far: float, height: float) -> Corners:
    return [(start, near, height), (end, near, height), (end, far, height), (start, far, height)]
