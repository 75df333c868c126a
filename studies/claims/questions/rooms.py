"""What the crawl of rendered rooms says is in its photographs: labels, captions, colours, and where in the picture."""

import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import shapely
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from schemas.manifest import BOX_PART, CAMERA_PART, UNIT_PART, Box3d, Camera
from udfs.language.vocabulary import vocabulary
from udfs.storage.clients import filesystem_of, path_of
from vlm.mixture.errors import StreamUnreadable

_MANIFEST = "manifest.jsonl"
# One digit each.
COLUMNS, ROWS = 9, 9
Vector = tuple[float, float, float]
PartT = TypeVar("PartT")
_CORNERS = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))


class Thing(NamedTuple):
    """An object; `color` is None where the first caption does not begin with one, and `caption` is the first.

    `names` are its label, its captions but for those that begin with a size, and its label behind what a further one
    of them begins with ("wooden table").
    `place` is the middle of its box in shares of the picture's width and height, None where that is not in the picture,
    and `box` where that is known.
    """

    label: str
    color: str | None
    caption: str
    names: tuple[str, ...]
    place: tuple[float, float] | None
    box: "Box | None"

    @property
    def cell(self) -> tuple[int, int] | None:
        """Return the column and row that `place` lies in, from 1 at the top left."""
        if self.place is None:
            return None
        return 1 + int(self.place[0] * COLUMNS), 1 + int(self.place[1] * ROWS)


class Box(NamedTuple):
    """A box: its middle in camera coordinates, how far that is above the camera, and how large the box is.

    Lengths in m; `width_m` is from the left to the right of the picture, `up_m` and `height_m` along gravity.
    `foot_m` is its outline on the floor, in axes that are the same for all boxes of a photograph.
    """

    center_m: tuple[float, ...]
    up_m: float
    width_m: float
    height_m: float
    volume_m3: float
    foot_m: shapely.Geometry

    @property
    def distance_m(self) -> float:
        """Return how far the middle is from the camera."""
        return math.hypot(*self.center_m)

    def apart_m(self, other: "Box") -> float:
        """Return how far the middle is from another's."""
        return math.dist(self.center_m, other.center_m)

    def level_m(self, other: "Box") -> float:
        """Return how far the middle is from another's horizontally."""
        return math.sqrt(max(self.apart_m(other) ** 2 - (self.up_m - other.up_m) ** 2, 0.0))

    def clear_m(self, other: "Box") -> float:
        """Return how much room is between this box and another, seen from above."""
        return float(shapely.distance(self.foot_m, other.foot_m))

    def gap_m(self, other: "Box") -> float:
        """Return how far the nearest points of two upright boxes are from each other."""
        above_m = abs(self.up_m - other.up_m) - (self.height_m + other.height_m) / 2
        return math.hypot(self.clear_m(other), max(above_m, 0.0))


class Room(NamedTuple):
    """A photograph by its name in the crawl, and its objects."""

    image: str
    things: tuple[Thing, ...]


def rooms_of(crawl: str) -> list[Room]:
    """Return the photographs of a crawl's `manifest.jsonl`, objects without a label left out.

    Raises:
        StreamUnreadable: no manifest, or no picture that it names.
    """
    try:
        with filesystem_of(crawl).open_input_stream(path_of(f"{crawl}/{_MANIFEST}")) as held:
            rows = [json.loads(line) for line in held.read().splitlines()]
    except FileNotFoundError as error:
        raise StreamUnreadable(f"There is no {_MANIFEST} in {crawl}; name the folder of a crawl.") from error
    return [Room(row["image"], _things(crawl, row)) for row in rows]


def own_names(things: Sequence[Thing]) -> list[list[str]]:
    """Return the names of each thing that no other has."""
    shared = Counter(name for one in things for name in one.names)
    return [[name for name in one.names if shared[name] == 1] for one in things]


def _things(crawl: str, row: dict[str, Any]) -> tuple[Thing, ...]:
    objects = [item for item in row.get("objects") or () if item.get("label")]
    camera = _sound(CAMERA_PART, row.get("camera")) if any("box_3d" in item for item in objects) else None
    gravity = _sound(UNIT_PART, row.get("gravity"))
    size_px = _size_px(f"{crawl}/{row['image']}") if camera else (0, 0)
    return tuple(_thing(item, camera, gravity, size_px) for item in objects)


def _sound(part: TypeAdapter[PartT], held: Any) -> PartT | None:
    """Return a part of a row, None where there is none or `ingest` would leave it out as unsound."""
    try:
        return part.validate_python(held)
    except ValidationError:
        return None


def _thing(item: dict[str, Any], camera: Camera | None, gravity: Vector | None, size_px: tuple[int, int]) -> Thing:
    captions = item.get("captions") or ()
    captions = (captions,) if isinstance(captions, str) else captions
    caption, label = next(iter(captions), ""), item["label"]
    further = [one for one in captions[1:] if one.split(" ")[0] not in vocabulary().sizes]
    of_a_kind = [f"{one.split(' ')[0]} {label}" for one in further if one.endswith(f" {label}")]
    named = vocabulary().color_of(caption.split(" ")[0].lower()) if caption else frozenset()
    color = next(iter(named)) if len(named) == 1 else None
    box = _sound(BOX_PART, item.get("box_3d"))
    place = _place(box.center, camera, size_px) if box and camera else None
    names = tuple(dict.fromkeys(filter(None, [label, caption, *further, *of_a_kind])))
    return Thing(label, color, caption, names, place, _box(box, gravity) if box and gravity else None)


def _box(box: Box3d, down: Vector) -> Box:
    """Return a box of the manifest; the columns of its rotation are its axes in camera coordinates."""
    axes, size, gravity, center = np.reshape(box.rotation, (3, 3)), np.array(box.size), np.array(down), box.center
    corners = np.array(center) + (_CORNERS * size) @ axes.T
    level = np.linalg.svd(gravity[None])[2][1:]
    return Box(
        center_m=tuple(center),
        up_m=-float(gravity @ center),
        width_m=float(abs(axes[0]) @ size),
        height_m=float(abs(gravity @ axes) @ size),
        volume_m3=float(np.prod(size)),
        foot_m=shapely.MultiPoint(corners @ level.T).convex_hull,
    )


def _place(center_m: list[float], camera: Camera, size_px: tuple[int, int]) -> tuple[float, float] | None:
    """Return where a point in camera coordinates (m) is seen, in shares of the picture's width and height."""
    x_m, y_m, z_m = center_m
    if z_m <= 0:
        return None
    across = (camera.fx * x_m / z_m + camera.cx) / size_px[0]
    down = (camera.fy * y_m / z_m + camera.cy) / size_px[1]
    if not (0 <= across < 1 and 0 <= down < 1):
        return None
    return across, down


def _size_px(uri: str) -> tuple[int, int]:
    try:
        with filesystem_of(uri).open_input_file(path_of(uri)) as held, Image.open(held) as picture:
            return picture.size
    except FileNotFoundError as error:
        raise StreamUnreadable(f"There is no picture {uri}; render the crawl again, or mend its manifest.") from error
