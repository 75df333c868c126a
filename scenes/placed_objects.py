"""An object design (kind, size, colors) and the object placed in a room."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenes.catalog import Kind
from scenes.catalog_furniture import FURNITURE
from scenes.catalog_small import SMALL
from scenes.colors import Rgb, color_of_role, shade_of
from scenes.mesh import Mesh, about_z
from scenes.shapes import Shape, pick

KINDS: dict[str, Kind] = {kind.label: kind for kind in (*FURNITURE, *SMALL)}
_CONTACT_M = 1e-5


@dataclass(frozen=True, eq=False)
class Design:
    """An object design: `shape` in the object's frame and `solids` [k, 6], the boxes of its parts as lo, hi in m."""

    kind: Kind
    shape: Shape
    solids: np.ndarray
    size_m: np.ndarray
    color: str
    rgb: Rgb
    texture: str
    accent: Rgb
    role_rgb: dict[str, Rgb]

    @cached_property
    def merged(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices [n, 3], faces [m, 3] and vertex normals [n, 3] (zero on flat parts) of all parts in order."""
        vertices, starts = self.shape.vertices()
        meshes = [mesh for _, mesh in self.shape.parts]
        faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
        normals = [np.zeros_like(mesh.vertices) if mesh.normals is None else mesh.normals for mesh in meshes]
        return vertices, np.concatenate(faces), np.concatenate(normals)

    @property
    def relative_size(self) -> float:
        """Natural log of the size relative to the kind's median, averaged over the axes."""
        return float(np.log(self.size_m / np.array(self.kind.size_m)).mean())


def _centered(shape: Shape) -> tuple[Shape, np.ndarray, np.ndarray]:
    """Center the shape on the z axis, standing on z = 0; return it with its parts' boxes and its size."""
    vertices, starts = shape.vertices()
    lows, highs = np.minimum.reduceat(vertices, starts), np.maximum.reduceat(vertices, starts)
    low, high = lows.min(0), highs.max(0)
    shift = -np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    vertices += shift
    placed = zip(shape.parts, np.split(vertices, starts[1:]), strict=True)
    moved = Shape([(role, Mesh(part, mesh.faces, mesh.normals)) for (role, mesh), part in placed])
    for s in shape.surfaces:
        x0, y0, x1, y1 = s.rect
        rect = (x0 + shift[0], y0 + shift[1], x1 + shift[0], y1 + shift[1])
        moved.surfaces.append(type(s)(s.tag, rect, s.z + shift[2], s.headroom_m, s.inside))
    return moved, np.hstack([lows + shift, highs + shift]), high - low


def design(label: str, rng: np.random.Generator, color: str | None = None) -> Design:
    """Draw a new design of a kind, in a random color unless one is given."""
    kind = KINDS[label]
    shape, solids, size = _centered(kind.shape(kind.size(rng), int(rng.integers(2**31))))
    name = color or pick(rng, kind.colors)
    rgb = shade_of(name, rng)
    dark = np.mean(rgb) < 110
    accent = np.clip(
        np.array(rgb) * rng.uniform(1.5, 1.9) + 30 if dark else np.array(rgb) * rng.uniform(0.55, 0.75), 0, 255
    )
    roles = {role for role, _ in shape.parts} - {"main"}
    return Design(
        kind=kind,
        shape=shape,
        solids=solids,
        size_m=size,
        color=name,
        rgb=rgb,
        texture=pick(rng, kind.textures),
        accent=(float(accent[0]), float(accent[1]), float(accent[2])),
        role_rgb={role: color_of_role(role, rng) for role in sorted(roles)},
    )


@dataclass(frozen=True, eq=False)
class PlacedObject:
    """A design at `position_m` [3] (bottom center of its box, world), rotated by `yaw_rad` about the vertical."""

    design: Design
    position_m: np.ndarray
    yaw_rad: float
    parent: int | None = None
    inside: bool = False

    @cached_property
    def rotation(self) -> np.ndarray:
        """Object to world [3, 3]."""
        return about_z(self.yaw_rad)

    @property
    def label(self) -> str:
        """Kind."""
        return self.design.kind.label

    @cached_property
    def hull_m(self) -> tuple[float, float, float, float, float]:
        """Bounding upright cylinder: x, y, bottom, top, radius; plain floats compare fast."""
        x, y, z = self.position_m.tolist()
        return x, y, z, self.top_m, self.radius_m

    @cached_property
    def half_m(self) -> np.ndarray:
        """Half sizes [2] along the object's own x and y."""
        return self.design.size_m[:2] / 2

    @cached_property
    def radius_m(self) -> float:
        """Radius of the circle about the footprint."""
        return float(np.hypot(*self.half_m))

    @cached_property
    def reach_m(self) -> np.ndarray:
        """Half sizes [2] of the footprint's box along the world's x and y."""
        c, s = abs(np.cos(self.yaw_rad)), abs(np.sin(self.yaw_rad))
        x, y = self.half_m
        return np.array([c * x + s * y, s * x + c * y])

    @cached_property
    def top_m(self) -> float:
        """Height of the top in the world."""
        return float(self.position_m[2] + self.design.size_m[2])

    def world(self, point: tuple[float, float, float] | np.ndarray) -> np.ndarray:
        """Return world coordinates [.., 3] of points in the object's frame."""
        return np.asarray(point) @ self.rotation.T + self.position_m

    def holds(self, point: np.ndarray, margin_m: float) -> bool:
        """Return whether a world point [3] is inside the object's box, enlarged by a margin."""
        local = (point - self.position_m) @ self.rotation
        size = self.design.size_m
        level = -margin_m < local[2] < size[2] + margin_m
        return bool(level and (np.abs(local[:2]) < size[:2] / 2 + margin_m).all())


def near(a: PlacedObject, b: PlacedObject) -> bool:
    """Return whether the bounding cylinders of two objects overlap by more than a contact."""
    ax, ay, az, atop, aradius = a.hull_m
    bx, by, bz, btop, bradius = b.hull_m
    reach = aradius + bradius
    return az < btop - _CONTACT_M and bz < atop - _CONTACT_M and (ax - bx) ** 2 + (ay - by) ** 2 < reach * reach


def collide(a: PlacedObject, b: PlacedObject) -> bool:
    """Return whether any boxes of two objects' parts overlap by more than a contact."""
    apart = b.position_m - a.position_m
    mine, theirs = a.design.solids, b.design.solids
    low = np.maximum(mine[:, None, 2], theirs[None, :, 2] + apart[2])
    high = np.minimum(mine[:, None, 5], theirs[None, :, 5] + apart[2])
    level = high - low > _CONTACT_M
    if not level.any():
        return False
    turn = (a.rotation.T @ b.rotation)[:2, :2]
    shift = (a.rotation.T @ apart)[:2]
    my_center, my_half = (mine[:, :2] + mine[:, 3:5]) / 2, (mine[:, 3:5] - mine[:, :2]) / 2
    center, half = (theirs[:, :2] + theirs[:, 3:5]) / 2 @ turn.T + shift, (theirs[:, 3:5] - theirs[:, :2]) / 2
    between = center[None] - my_center[:, None]
    size = np.abs(turn)
    gap_mine = np.abs(between) - my_half[:, None] - (half @ size.T)[None]
    gap_theirs = np.abs(between @ turn) - half[None] - (my_half @ size)[:, None]
    overlap = (gap_mine < -_CONTACT_M).all(2) & (gap_theirs < -_CONTACT_M).all(2)
    return bool((overlap & level).any())
