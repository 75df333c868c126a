"""A built object: colored parts, and the surfaces on which other objects can stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from scenes.mesh import Mesh

_T = TypeVar("_T")
Size = tuple[float, float, float]


@dataclass(frozen=True)
class Surface:
    """A horizontal surface, object frame: rectangle (x0, y0, x1, y1) m at height `z`, free up to `headroom_m`."""

    tag: str
    rect: tuple[float, float, float, float]
    z: float
    headroom_m: float = 10.0
    inside: bool = False


@dataclass
class Shape:
    """Parts by role (`main`, `wood`, `metal`, ..) in the object's frame: x front, y left, z up, feet at z = 0."""

    parts: list[tuple[str, Mesh]] = field(default_factory=list)
    surfaces: list[Surface] = field(default_factory=list)

    def add(self, role: str, *meshes: Mesh) -> None:
        """Append parts of one role."""
        self.parts.extend((role, mesh) for mesh in meshes)

    def top(self, tag: str, half_x: float, half_y: float, z: float) -> None:
        """Append a surface centered on the z axis."""
        self.surfaces.append(Surface(tag, (-half_x, -half_y, half_x, half_y), z))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the minimum and maximum corner [3] of all parts, m."""
        boxes = self.solids()
        return boxes[:, :3].min(0), boxes[:, 3:].max(0)

    def solids(self) -> np.ndarray:
        """Return the parts' boxes [k, 6] as lo, hi, m."""
        vertices, starts = self.vertices()
        return np.hstack([np.minimum.reduceat(vertices, starts), np.maximum.reduceat(vertices, starts)])

    def vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the vertices [n, 3] of all parts in order, m, and the start index of each part [k]."""
        meshes = [mesh.vertices for _, mesh in self.parts]
        starts = np.cumsum([0, *(len(vertices) for vertices in meshes[:-1])])
        return np.concatenate(meshes), starts


Builder = Callable[[Size, np.random.Generator], Shape]


def pick(rng: np.random.Generator, choices: Sequence[_T]) -> _T:
    """Draw one of `choices` uniformly."""
    return choices[int(rng.integers(len(choices)))]
