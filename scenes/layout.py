"""Placement without overlap: things on the floor, against walls, on and in each other."""

from dataclasses import dataclass, field

import numpy as np

from scenes.settings import RoomKind
from scenes.shapes import Surface
from scenes.things import Design, Thing, collide, near

WALL_YAWS = (0.0, np.pi, np.pi / 2, -np.pi / 2)


@dataclass
class Room:
    """A box-shaped room with one corner at the origin; `size_m` is (x, y, height)."""

    kind: RoomKind
    size_m: tuple[float, float, float]
    rng: np.random.Generator
    things: list[Thing] = field(default_factory=list)

    def fits(self, thing: Thing, but: int | None = None) -> bool:
        """Say whether a thing is within the room and free of all others (`but` one, its container)."""
        reach = thing.reach_m
        x, y = thing.position_m[:2]
        lx, ly, lz = self.size_m
        if x < reach[0] or y < reach[1] or x > lx - reach[0] or y > ly - reach[1] or thing.top_m > lz - 0.02:
            return False
        return not any(near(thing, other) and i != but and collide(thing, other) for i, other in enumerate(self.things))

    def add(self, thing: Thing, but: int | None = None) -> int | None:
        """Place a thing if it fits and return its index."""
        if not self.fits(thing, but):
            return None
        self.things.append(thing)
        return len(self.things) - 1

    def on_floor(self, design: Design, tries: int = 12) -> int | None:
        """Place a design freely on the floor."""
        lx, ly, _ = self.size_m
        for _ in range(tries):
            yaw = self.rng.uniform(-np.pi, np.pi)
            spot = np.array([self.rng.uniform(0, lx), self.rng.uniform(0, ly), 0.0])
            index = self.add(Thing(design, spot, yaw))
            if index is not None:
                return index
        return None

    def against_wall(self, design: Design, tries: int = 12, height: tuple[float, float] | None = None) -> int | None:
        """Place a design with its back to a wall, on the floor or hung between two heights of its middle."""
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
            index = self.add(Thing(design, np.array([x, y, bottom]), WALL_YAWS[wall]))
            if index is not None:
                return index
        return None

    def beside(self, anchor: int, design: Design, spot: tuple[float, float], turn_rad: float) -> int | None:
        """Place a design on the floor at a point of another thing's frame, turned against it."""
        host = self.things[anchor]
        place = host.world((spot[0], spot[1], 0.0))
        place[2] = 0.0
        return self.add(Thing(design, place, host.yaw_rad + turn_rad))

    def upon(
        self, anchor: int, surface: Surface, design: Design, spot: tuple[float, float], turn_rad: float
    ) -> int | None:
        """Place a design on or in another thing's surface at a point of that thing's frame."""
        host = self.things[anchor]
        thing = Thing(design, host.world((*spot, surface.z)), host.yaw_rad + turn_rad, anchor, surface.inside)
        local = Thing(design, np.zeros(3), turn_rad).reach_m
        x0, y0, x1, y1 = surface.rect
        margin = 0.02 if surface.tag == "book" else 0.0
        within = x0 - margin <= spot[0] - local[0] and spot[0] + local[0] <= x1 + margin
        within = within and y0 - margin <= spot[1] - local[1] and spot[1] + local[1] <= y1 + margin
        if not within or design.size_m[2] > surface.headroom_m - 0.002:
            return None
        return self.add(thing, anchor if surface.inside else None)

    def somewhere_upon(self, anchor: int, surface: Surface, design: Design, tries: int = 6) -> int | None:
        """Place a design at a drawn point of a surface; fronts look roughly the way of the thing below."""
        x0, y0, x1, y1 = surface.rect
        faces_front = design.kind.front and self.things[anchor].design.kind.front
        for _ in range(tries):
            turn = self.rng.uniform(-0.6, 0.6) if faces_front else self.rng.uniform(-np.pi, np.pi)
            if surface.tag == "shelf":
                turn = self.rng.normal(0, 0.15)
            reach = Thing(design, np.zeros(3), turn).reach_m
            if 2 * reach[0] > x1 - x0 or 2 * reach[1] > y1 - y0:
                continue
            spot = (self.rng.uniform(x0 + reach[0], x1 - reach[0]), self.rng.uniform(y0 + reach[1], y1 - reach[1]))
            index = self.upon(anchor, surface, design, spot, turn)
            if index is not None:
                return index
        return None
