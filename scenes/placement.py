"""Places objects without overlap: on the floor, against walls, on and inside each other."""

from dataclasses import dataclass, field

import numpy as np

from scenes.doorways import Doorway
from scenes.placed_objects import Design, PlacedObject, collide, near
from scenes.settings import RoomKind
from scenes.shapes import Surface

WALL_YAWS = (0.0, np.pi, np.pi / 2, -np.pi / 2)


@dataclass
class Room:
    """A box-shaped room with one corner at the origin; `size_m` is (x, y, height)."""

    kind: RoomKind
    size_m: tuple[float, float, float]
    rng: np.random.Generator
    objects: list[PlacedObject] = field(default_factory=list)
    doorway: Doorway | None = None

    def fits(self, item: PlacedObject, but: int | None = None) -> bool:
        """Return whether an object is inside the room and clear of all others except `but`, its container."""
        reach = item.reach_m
        x, y = item.position_m[:2]
        lx, ly, lz = self.size_m
        if x < reach[0] or y < reach[1] or x > lx - reach[0] or y > ly - reach[1] or item.top_m > lz - 0.02:
            return False
        flat = item.position_m[:2]
        if self.doorway is not None and self.doorway.blocks(flat - reach, flat + reach, self.size_m):
            return False
        return not any(near(item, other) and i != but and collide(item, other) for i, other in enumerate(self.objects))

    def add(self, item: PlacedObject, but: int | None = None) -> int | None:
        """Place an object if it fits; return its index or None."""
        if not self.fits(item, but):
            return None
        self.objects.append(item)
        return len(self.objects) - 1

    def on_floor(self, design: Design, tries: int = 12) -> int | None:
        """Place a design at a random position on the floor."""
        lx, ly, _ = self.size_m
        for _ in range(tries):
            yaw = self.rng.uniform(-np.pi, np.pi)
            spot = np.array([self.rng.uniform(0, lx), self.rng.uniform(0, ly), 0.0])
            index = self.add(PlacedObject(design, spot, yaw))
            if index is not None:
                return index
        return None

    def against_wall(self, design: Design, tries: int = 12, height: tuple[float, float] | None = None) -> int | None:
        """Place a design with its back to a wall, on the floor or hung with its center between two heights."""
        for _ in range(tries):
            wall = int(self.rng.integers(4))
            length = self.size_m[1 if wall < 2 else 0]
            half = design.size_m[1] / 2
            if 2 * half > length:
                continue
            along = self.rng.uniform(half, length - half)
            gap = 0.002 if height else self.rng.uniform(0.005, 0.06)
            out = design.size_m[0] / 2 + gap
            bottom = 0.0 if height is None else max(0.05, self.rng.uniform(*height) - design.size_m[2] / 2)
            lx, ly, _ = self.size_m
            x, y = ((out, along), (lx - out, along), (along, out), (along, ly - out))[wall]
            index = self.add(PlacedObject(design, np.array([x, y, bottom]), WALL_YAWS[wall]))
            if index is not None:
                return index
        return None

    def beside(self, anchor: int, design: Design, spot: tuple[float, float], turn_rad: float) -> int | None:
        """Place a design on the floor at a position in another object's frame, rotated relative to it."""
        host = self.objects[anchor]
        place = host.world((spot[0], spot[1], 0.0))
        place[2] = 0.0
        return self.add(PlacedObject(design, place, host.yaw_rad + turn_rad))

    def upon(
        self, anchor: int, surface: Surface, design: Design, spot: tuple[float, float], turn_rad: float
    ) -> int | None:
        """Place a design on or inside another object's surface at a position in that object's frame."""
        host = self.objects[anchor]
        item = PlacedObject(design, host.world((*spot, surface.z)), host.yaw_rad + turn_rad, anchor, surface.inside)
        local = PlacedObject(design, np.zeros(3), turn_rad).reach_m
        x0, y0, x1, y1 = surface.rect
        margin = 0.02 if surface.tag == "book" else 0.0
        within = x0 - margin <= spot[0] - local[0] and spot[0] + local[0] <= x1 + margin
        within = within and y0 - margin <= spot[1] - local[1] and spot[1] + local[1] <= y1 + margin
        if not within or design.size_m[2] > surface.headroom_m - 0.002:
            return None
        return self.add(item, anchor if surface.inside else None)

    def somewhere_upon(self, anchor: int, surface: Surface, design: Design, tries: int = 6) -> int | None:
        """Place a design at a random position on a surface; fronts face roughly the same way as the object below."""
        x0, y0, x1, y1 = surface.rect
        faces_front = design.kind.front and self.objects[anchor].design.kind.front
        for _ in range(tries):
            turn = self.rng.uniform(-0.6, 0.6) if faces_front else self.rng.uniform(-np.pi, np.pi)
            if surface.tag == "shelf":
                turn = self.rng.normal(0, 0.15)
            reach = PlacedObject(design, np.zeros(3), turn).reach_m
            if 2 * reach[0] > x1 - x0 or 2 * reach[1] > y1 - y0:
                continue
            spot = (self.rng.uniform(x0 + reach[0], x1 - reach[0]), self.rng.uniform(y0 + reach[1], y1 - reach[1]))
            index = self.upon(anchor, surface, design, spot, turn)
            if index is not None:
                return index
        return None
