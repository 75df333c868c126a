"""Rooms and cameras as sensors meet them: clutter on a near table with the floor far away, and things on floors."""

import numpy as np

from scenes.camera import Attitude
from scenes.placed_objects import KINDS, PlacedObject, design
from scenes.placement import Room
from scenes.rooms import furnished_room
from scenes.settings import ROOM_KINDS
from scenes.shapes import Surface, pick

LAYOUTS = ("table", "table", "table", "floor", "room")
_TABLES = ("table", "table", "desk", "coffee table", "side table", "cabinet")
_BEHIND = ("cabinet", "bookshelf", "sofa", "wardrobe", "chair", "bench")
_ON_FLOOR = ("box", "box", "crate", "basket", "bin", "stool", "suitcase", "backpack", "ball", "chair", "book", "bottle",
             "speaker", "potted plant", "vase", "cushion", "teddy bear", "printer")  # fmt: skip
_NEAR_M, _FLOOR_M = (0.35, 1.3), (0.9, 2.6)
_TABLE_PITCH_DEG, _FLOOR_PITCH_DEG = (18.0, 68.0), (15.0, 55.0)


def laid_out(layout: str, rng: np.random.Generator) -> tuple[Room, Attitude | None]:
    """Return a room of a layout and a camera that looks at it; None where the room's own views are to be used."""
    if layout == "room":
        return furnished_room(ROOM_KINDS[int(rng.integers(len(ROOM_KINDS)))], rng), None
    side = rng.uniform(4.0, 9.0, 2)
    room = Room("tabletop", (float(side[0]), float(side[1]), float(rng.uniform(2.4, 3.0))), rng)
    center = _clutter_on_table(room) if layout == "table" else _clutter_on_floor(room)
    for _ in range(int(rng.integers(2, 7))):
        room.against_wall(design(pick(rng, _BEHIND), rng))
    return room, _looking_at(center, layout, rng)


def _clutter_on_table(room: Room) -> np.ndarray:
    """Put a table into the room and a dense cluster of small things on it; return the cluster's center, m."""
    rng = room.rng
    table = design(pick(rng, _TABLES), rng)
    lx, ly, _ = room.size_m
    spot = np.array([lx * rng.uniform(0.3, 0.7), ly * rng.uniform(0.3, 0.7), 0.0])
    room.add(PlacedObject(table, spot, float(rng.uniform(-np.pi, np.pi))))
    surface = max(table.shape.surfaces, key=lambda s: s.z)
    x0, y0, x1, y1 = surface.rect
    middle = np.array([rng.uniform(0.7 * x0 + 0.3 * x1, 0.3 * x0 + 0.7 * x1),
                       rng.uniform(0.7 * y0 + 0.3 * y1, 0.3 * y0 + 0.7 * y1)])  # fmt: skip
    _pile(room, surface, middle, int(rng.integers(5, 17)))
    return room.objects[0].world((*middle, surface.z + 0.05))


def _pile(room: Room, surface: Surface, middle: np.ndarray, count: int) -> None:
    rng = room.rng
    allowed = [label for label, kind in KINDS.items() if surface.tag in kind.on and max(kind.size_m) < 0.4]
    spread = rng.uniform(0.09, 0.24)
    for _ in range(count):
        new = design(pick(rng, allowed), rng)
        for _ in range(6):
            spot = middle + spread * rng.standard_normal(2)
            turn = float(rng.uniform(-np.pi, np.pi))
            index = room.upon(0, surface, new, (float(spot[0]), float(spot[1])), turn)
            if index is not None:
                _stacked(room, index)
                break


def _stacked(room: Room, index: int) -> None:
    """Sometimes put something on top of what was just placed."""
    rng, host = room.rng, room.objects[index]
    for top in host.design.shape.surfaces[:1]:
        labels = [label for label, kind in KINDS.items() if top.tag in kind.on and not top.inside]
        if labels and rng.random() < 0.3:
            room.somewhere_upon(index, top, design(pick(rng, labels), rng), 4)


def _clutter_on_floor(room: Room) -> np.ndarray:
    rng = room.rng
    lx, ly, _ = room.size_m
    center = np.array([lx * rng.uniform(0.35, 0.65), ly * rng.uniform(0.35, 0.65), 0.0])
    spread = rng.uniform(0.35, 0.9)
    for _ in range(int(rng.integers(5, 14))):
        new = design(pick(rng, _ON_FLOOR), rng)
        spot = center + np.append(spread * rng.standard_normal(2), 0.0)
        room.add(PlacedObject(new, spot, float(rng.uniform(-np.pi, np.pi))))
    return center + np.array([0.0, 0.0, 0.15])


def _looking_at(center: np.ndarray, layout: str, rng: np.random.Generator) -> Attitude:
    near = layout == "table"
    distance = float(np.exp(rng.uniform(*np.log(_NEAR_M if near else _FLOOR_M))))
    pitch = np.deg2rad(rng.uniform(*(_TABLE_PITCH_DEG if near else _FLOOR_PITCH_DEG)))
    bearing = rng.uniform(-np.pi, np.pi)
    away = np.array([np.cos(bearing) * np.cos(pitch), np.sin(bearing) * np.cos(pitch), -np.sin(pitch)])
    position = center - distance * away
    roll = float(np.deg2rad(np.clip(rng.normal(0, 4), -12, 12)))
    aim = rng.normal(0, 0.08, 2)
    return Attitude(
        (float(position[0]), float(position[1]), float(position[2])),
        float(bearing + aim[0]),
        float(pitch + aim[1]),
        roll,
    )
