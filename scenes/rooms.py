"""Defines the objects of each kind of room and places them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenes.doorways import doorway_of
from scenes.placed_objects import KINDS, Design, PlacedObject, design
from scenes.placement import Room
from scenes.settings import RoomKind
from scenes.shapes import Surface, pick

Count = tuple[int, int]


@dataclass(frozen=True)
class RoomContents:
    """Large objects with (min, max) counts in placement order, and labels of loose, small and hung objects."""

    large: tuple[tuple[str, Count], ...]
    loose: tuple[str, ...]
    small: tuple[str, ...]
    hung: tuple[str, ...] = ("picture", "clock", "wall shelf")


_TOYS = ("ball", "block", "toy car", "teddy bear")
_FRUIT = ("apple", "orange", "lemon", "banana")
_KITCHENWARE = ("mug", "cup", "bowl", "plate", "bottle", "can", *_FRUIT, "pot", "pan", "kettle")
_APPLIANCES = ("toaster", "microwave", "kettle")
_DECOR = ("vase", "candle", "book", "clock", "picture", "table lamp", "potted plant", "tissue box")
_DESK = ("book", "mug", "phone", "laptop", "bottle", "can", "speaker", "monitor", "keyboard", "mouse", "printer")
_LOOSE = ("crate", "box", "basket", "bin", "backpack", "stool", "suitcase", "potted plant")
_SOFT = ("cushion", "teddy bear", "book", "backpack", "laptop", "remote control", "box", "phone", "suitcase")

_ANY = (0, 1)

RECIPES: Mapping[RoomKind, RoomContents] = {
    "living room": RoomContents(
        (("rug", _ANY), ("sofa", (1, 2)), ("armchair", (0, 2)), ("cabinet", _ANY), ("dresser", _ANY),
         ("bookshelf", (0, 2)), ("coffee table", _ANY), ("table", _ANY), ("side table", (0, 2)),
         ("floor lamp", (0, 2))),
        (*_LOOSE, *_TOYS, "speaker", "vase", "cushion", "bench"),
        (*_DECOR, *_TOYS, *_SOFT, "mug", "cup", "bowl", "apple", "orange", "bottle", "speaker", "basket", "tv"),
    ),
    "kitchen": RoomContents(
        (("fridge", (1, 1)), ("oven", (0, 2)), ("cabinet", (1, 3)), ("washing machine", _ANY), ("table", (1, 1)),
         ("wall shelf", (0, 2)), ("bench", _ANY), ("stool", (0, 3)), ("rug", _ANY)),
        ("crate", "box", "basket", "bin", "stool", "bottle", "potted plant", "chair", "ball"),
        (*_KITCHENWARE, *_KITCHENWARE, *_APPLIANCES, *_APPLIANCES, "vase", "book", "candle", "basket", "crate"),
    ),
    "office": RoomContents(
        (("desk", (1, 2)), ("bookshelf", (0, 2)), ("cabinet", (0, 2)), ("table", _ANY), ("armchair", _ANY),
         ("office chair", (0, 2)), ("floor lamp", _ANY), ("rug", _ANY)),
        (*_LOOSE, "printer", "speaker", "ball", "book"),
        (*_DESK, *_DESK, *_DECOR, "cup", "apple", "bowl", "box", "toy car", "cushion"),
    ),
    "bedroom": RoomContents(
        (("bed", (1, 1)), ("wardrobe", (0, 2)), ("dresser", _ANY), ("nightstand", _ANY), ("desk", _ANY),
         ("rug", _ANY), ("bookshelf", _ANY), ("armchair", _ANY), ("bench", _ANY), ("chair", (0, 2)),
         ("floor lamp", _ANY)),
        (*_LOOSE, *_TOYS, *_TOYS, "cushion", "book"),
        (*_DECOR, *_TOYS, *_SOFT, "mug", "bottle", "bowl", "basket", "speaker", "tv"),
    ),
    "tabletop": RoomContents(
        (("cabinet", _ANY), ("bookshelf", _ANY), ("sofa", _ANY)),
        (*_LOOSE, "ball", "chair"),
        (*_KITCHENWARE, *_DECOR, *_DESK, *_TOYS, *_TOYS, "bowl", "crate", "basket", "remote control", "block"),
    ),
}  # fmt: skip
_FLOOR_SIDE_M: Mapping[RoomKind, tuple[float, float]] = {
    "living room": (4.2, 10.0),
    "kitchen": (3.4, 8.5),
    "office": (3.6, 10.0),
    "bedroom": (3.6, 8.5),
    "tabletop": (3.0, 6.0),
}


class Furnisher:
    """Furnishes one room; every choice uses the room's own generator."""

    def __init__(self, room: Room) -> None:
        self.room, self.rng = room, room.rng
        self.recipe = RECIPES[room.kind]
        self.designs: dict[str, Design] = {}

    def draw(self, label: str) -> Design:
        """Draw a design; sometimes reuse one of the room, or its color, so that names can be ambiguous."""
        before = self.designs.get(label)
        chance = self.rng.random()
        if before is not None and chance < 0.25:
            return before
        new = design(label, self.rng, before.color if before is not None and chance < 0.45 else None)
        self.designs[label] = new
        return new

    def furnish(self) -> Room:
        """Place everything and return the room."""
        if self.room.kind == "tabletop":
            self._main_table()
        for label, (min_count, max_count) in self.recipe.large:
            for _ in range(int(self.rng.integers(min_count, max_count + 1))):
                self._large(label)
        for _ in range(int(self.rng.integers(0, 4))):
            self.room.against_wall(self.draw(pick(self.rng, self.recipe.hung)), 6, (1.0, 1.9))
        for _ in range(int(self.rng.integers(2, 8)) if self.room.kind != "tabletop" else int(self.rng.integers(0, 4))):
            self._loose(pick(self.rng, self.recipe.loose))
        self._fill_surfaces()
        return self.room

    def _large(self, label: str) -> None:
        new = self.draw(label)
        index = None
        if "floor" in new.kind.on and ("wall" not in new.kind.on or self.rng.random() < 0.35):
            index = self.room.on_floor(new)
        elif "wall" in new.kind.on:
            index = self.room.against_wall(new)
        elif "hung" in new.kind.on:
            index = self.room.against_wall(new, 12, (1.0, 1.7))
        if index is not None:
            self._companions(index)

    def _loose(self, label: str) -> None:
        new = self.draw(label)
        if "wall" in new.kind.on and self.rng.random() < 0.4:
            self.room.against_wall(new, 6)
        else:
            self.room.on_floor(new, 6)

    def _main_table(self) -> None:
        new = self.draw(pick(self.rng, ("table", "table", "table", "coffee table", "desk")))
        lx, ly, _ = self.room.size_m
        if "floor" in new.kind.on:
            from_wall = self.rng.uniform(0.25, 0.75, 2)
            spot = np.array([lx * from_wall[0], ly * from_wall[1], 0.0])
            index = self.room.add(PlacedObject(new, spot, self.rng.uniform(-np.pi, np.pi)))
        else:
            index = self.room.against_wall(new)
        if index is not None and self.rng.random() < 0.5:
            self._companions(index)

    def _companions(self, index: int) -> None:
        label = self.room.objects[index].label
        if label == "table":
            self._chairs(index)
        elif label == "desk":
            self._desk_set(index)
        elif label == "sofa" and self.rng.random() < 0.6:
            new = self.draw("coffee table")
            ahead = self.room.objects[index].half_m[0] + new.size_m[0] / 2 + self.rng.uniform(0.25, 0.6)
            self.room.beside(index, new, (float(ahead), float(self.rng.normal(0, 0.2))), 0.0)
        elif label == "bed":
            self._bed_set(index)
        elif label in ("cabinet", "dresser") and "tv" in self.recipe.small and self.rng.random() < 0.8:
            surface = self.room.objects[index].design.shape.surfaces[0]
            x = (surface.rect[0] + surface.rect[2]) / 2
            self.room.upon(index, surface, self.draw("tv"), (x, float(self.rng.normal(0, 0.08))), 0.0)

    def _chairs(self, index: int) -> None:
        x, y = self.room.objects[index].half_m
        seat = self.draw(pick(self.rng, ("chair", "chair", "chair", "stool")))
        depth, width = seat.size_m[:2]
        sides = [(x, 0.0, np.pi), (-x, 0.0, 0.0), (0.0, y, -np.pi / 2), (0.0, -y, np.pi / 2)]
        for sx, sy, turn in sides:
            length = 2 * (y if sx else x)
            seats = 2 if length > 2.3 * width and self.rng.random() < 0.6 else 1
            for i in range(seats):
                if self.rng.random() < 0.35:
                    continue
                aside = (i - (seats - 1) / 2) * length / 2 + self.rng.uniform(-0.05, 0.05)
                out = depth / 2 + self.rng.uniform(-0.3 * depth, 0.3)
                spot = (sx + np.sign(sx) * out, aside) if sx else (aside, sy + np.sign(sy) * out)
                self.room.beside(index, seat, (float(spot[0]), float(spot[1])), turn + self.rng.normal(0, 0.12))

    def _desk_set(self, index: int) -> None:
        desk = self.room.objects[index]
        x, y = desk.half_m
        surface = desk.design.shape.surfaces[0]
        if self.rng.random() < 0.7:
            seat = self.draw("office chair")
            out = x + seat.size_m[0] * self.rng.uniform(0.3, 0.9)
            aside = float(self.rng.uniform(-0.5, 0.5) * y)
            self.room.beside(index, seat, (float(out), aside), np.pi + self.rng.normal(0, 0.4))
        if self.rng.random() < 0.75:
            aside = float(self.rng.uniform(-0.4, 0.4) * y)
            screen = self.draw("monitor")
            back = -x + screen.size_m[0] / 2 + self.rng.uniform(0.02, 0.1)
            self.room.upon(index, surface, screen, (float(back), aside), float(self.rng.normal(0, 0.1)))
            for label, shift in (("keyboard", 0.0), ("mouse", -0.35)):
                if self.rng.random() < 0.75:
                    spot = (float(x * self.rng.uniform(0.3, 0.6)), aside + shift)
                    self.room.upon(index, surface, self.draw(label), spot, float(self.rng.normal(0, 0.1)))

    def _bed_set(self, index: int) -> None:
        bed = self.room.objects[index]
        x, y = bed.half_m
        pillow = self.draw("pillow")
        surface = bed.design.shape.surfaces[0]
        for side in (-1, 1):
            spot = ((surface.rect[0] + surface.rect[2]) / 2, side * y * 0.48)
            self.room.upon(index, surface, pillow, (float(spot[0]), float(spot[1])), float(self.rng.normal(0, 0.05)))
            if self.rng.random() < 0.7:
                new = self.draw("nightstand")
                aside = side * (y + new.size_m[1] / 2 + self.rng.uniform(0.03, 0.25))
                self.room.beside(index, new, (float(-x + new.size_m[0] / 2), float(aside)), 0.0)

    def _fill_surfaces(self) -> None:
        done = 0
        limit = 40 if self.room.kind != "tabletop" else 34
        while done < len(self.room.objects) and len(self.room.objects) < limit:
            host = self.room.objects[done]
            for surface in host.design.shape.surfaces:
                for _ in range(self._how_many(surface, done)):
                    self._small(done, surface)
            done += 1

    def _how_many(self, surface: Surface, index: int) -> int:
        x0, y0, x1, y1 = surface.rect
        area = (x1 - x0) * (y1 - y0)
        if surface.tag in ("book", "block"):
            return int(self.rng.random() < 0.3)
        if surface.tag == "inside":
            return int(self.rng.integers(0, 5))
        if surface.tag == "seat":
            return int(self.rng.random() < 0.35) + int(area > 0.5 and self.rng.random() < 0.5)
        if surface.tag == "rug":
            return int(self.rng.integers(0, 3))
        if index == 0 and self.room.kind == "tabletop":
            return int(self.rng.integers(6, 18))
        return int(self.rng.poisson(min(3.0, 0.6 + 3 * area)))

    def _small(self, index: int, surface: Surface) -> None:
        allowed = [label for label in self.recipe.small if surface.tag in KINDS[label].on]
        if surface.tag == "rug":
            allowed = [label for label, kind in KINDS.items() if "rug" in kind.on]
        if surface.tag == "inside":
            allowed = [label for label, kind in KINDS.items() if "inside" in kind.on]
        if not allowed:
            return
        self.room.somewhere_upon(index, surface, self.draw(pick(self.rng, allowed)), 5)


def furnished_room(kind: RoomKind, rng: np.random.Generator, doorway_rng: np.random.Generator | None = None) -> Room:
    """Generate a furnished room of a kind; with a generator for it, the room has a doorway."""
    low, high = np.log(_FLOOR_SIDE_M[kind])
    size = (float(np.exp(rng.uniform(low, high))), float(np.exp(rng.uniform(low, high))), float(rng.uniform(2.3, 3.1)))
    doorway = None if doorway_rng is None else doorway_of(size, doorway_rng)
    return Furnisher(Room(kind, size, rng, doorway=doorway)).furnish()
