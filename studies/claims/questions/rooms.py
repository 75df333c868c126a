"""Objects of rendered rooms as their crawl describes them: labels, captions, colors, boxes and image positions."""

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
from vlm.errors import StreamUnreadable

_MANIFEST = "manifest.jsonl"
# One digit each.
COLUMNS, ROWS = 9, 9
Vector = tuple[float, float, float]
PartT = TypeVar("PartT")
_CORNERS = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))


class Box(NamedTuple):
    """The box of an object whose center is inside the image.

    `across` and `down` are the center's image position, as fractions of width and height. Lengths are in m:
    `center_m` in camera coordinates, `width_m` along the image's x axis, `up_m` (above the camera) and `height_m`
    along gravity. `foot_m` is the outline on the floor, in axes shared by all boxes of an image.
    """

    across: float
    down: float
    center_m: tuple[float, ...]
    up_m: float
    width_m: float
    height_m: float
    volume_m3: float
    foot_m: shapely.Geometry

    @property
    def cell(self) -> tuple[int, int]:
        """Return the column and row of the center, counted from 1 at the top left."""
        return 1 + int(self.across * COLUMNS), 1 + int(self.down * ROWS)

    @property
    def distance_m(self) -> float:
        """Return the distance of the center from the camera."""
        return math.hypot(*self.center_m)

    def apart_m(self, other: "Box") -> float:
        """Return the distance between two centers."""
        return math.dist(self.center_m, other.center_m)

    def level_m(self, other: "Box") -> float:
        """Return the horizontal distance between two centers."""
        return math.sqrt(max(self.apart_m(other) ** 2 - (self.up_m - other.up_m) ** 2, 0.0))

    def clear_m(self, other: "Box") -> float:
        """Return the horizontal distance between the outlines of two boxes."""
        return float(shapely.distance(self.foot_m, other.foot_m))

    def gap_m(self, other: "Box") -> float:
        """Return the smallest distance between two upright boxes."""
        above_m = abs(self.up_m - other.up_m) - (self.height_m + other.height_m) / 2
        return math.hypot(self.clear_m(other), max(above_m, 0.0))


class RoomObject(NamedTuple):
    """An object. `caption` is the first caption, `color` its first word where that is a color.

    `names` are the label, the captions that do not begin with a size, and the label behind the first word of a further
    caption ("wooden table"). `box` is None where it is unknown or its center lies outside the image.
    """

    label: str
    color: str | None
    caption: str
    names: tuple[str, ...]
    box: Box | None


class Room(NamedTuple):
    """An image, by its name in the crawl, and its objects."""

    image: str
    objects: tuple[RoomObject, ...]


def rooms_of(crawl: str) -> list[Room]:
    """Return the images of a crawl's `manifest.jsonl` with their labeled objects.

    Raises:
        StreamUnreadable: the manifest or an image that it names is missing.
    """
    try:
        with filesystem_of(crawl).open_input_stream(path_of(f"{crawl}/{_MANIFEST}")) as held:
            rows = [json.loads(line) for line in held.read().splitlines()]
    except FileNotFoundError as error:
        raise StreamUnreadable(f"{crawl} has no {_MANIFEST}; name the folder of a crawl.") from error
    return [Room(row["image"], _objects(crawl, row)) for row in rows]


def unique_names(objects: Sequence[RoomObject]) -> list[list[str]]:
    """Return for each object the names that no other object has."""
    shared = Counter(name for one in objects for name in one.names)
    return [[name for name in one.names if shared[name] == 1] for one in objects]


def _objects(crawl: str, row: dict[str, Any]) -> tuple[RoomObject, ...]:
    objects = [item for item in row.get("objects") or () if item.get("label")]
    camera = _sound(CAMERA_PART, row.get("camera")) if any("box_3d" in item for item in objects) else None
    gravity = _sound(UNIT_PART, row.get("gravity"))
    size_px = _size_px(f"{crawl}/{row['image']}") if camera else (0, 0)
    return tuple(_object(item, camera, gravity, size_px) for item in objects)


def _sound(part: TypeAdapter[PartT], held: Any) -> PartT | None:
    """Return a validated part of a row; None where it is missing or `ingest` would reject it."""
    try:
        return part.validate_python(held)
    except ValidationError:
        return None


def _object(
    item: dict[str, Any], camera: Camera | None, gravity: Vector | None, size_px: tuple[int, int]
) -> RoomObject:
    captions = item.get("captions") or ()
    captions = (captions,) if isinstance(captions, str) else captions
    caption, label = next(iter(captions), ""), item["label"]
    further = [one for one in captions[1:] if one.split(" ")[0] not in vocabulary().sizes]
    with_label = [f"{one.split(' ')[0]} {label}" for one in further if one.endswith(f" {label}")]
    named = vocabulary().color_of(caption.split(" ")[0].lower()) if caption else frozenset()
    color = next(iter(named)) if len(named) == 1 else None
    box = _sound(BOX_PART, item.get("box_3d"))
    position = _position(box.center, camera, size_px) if box and camera else None
    names = tuple(dict.fromkeys(filter(None, [label, caption, *further, *with_label])))
    known = _box(box, gravity, position) if box and gravity and position else None
    return RoomObject(label, color, caption, names, known)


def _box(box: Box3d, down: Vector, position: tuple[float, float]) -> Box:
    """Return a box of the manifest; the columns of its rotation are its axes in camera coordinates."""
    axes, size, gravity, center = np.reshape(box.rotation, (3, 3)), np.array(box.size), np.array(down), box.center
    corners = np.array(center) + (_CORNERS * size) @ axes.T
    level = np.linalg.svd(gravity[None])[2][1:]
    return Box(
        across=position[0],
        down=position[1],
        center_m=tuple(center),
        up_m=-float(gravity @ center),
        width_m=float(abs(axes[0]) @ size),
        height_m=float(abs(gravity @ axes) @ size),
        volume_m3=float(np.prod(size)),
        foot_m=shapely.MultiPoint(corners @ level.T).convex_hull,
    )


def _position(center_m: list[float], camera: Camera, size_px: tuple[int, int]) -> tuple[float, float] | None:
    """Project a point (m, camera coordinates) to fractions of width and height; None outside the image."""
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
        with filesystem_of(uri).open_input_file(path_of(uri)) as held, Image.open(held) as image:
            return image.size
    except FileNotFoundError as error:
        raise StreamUnreadable(f"{uri} does not exist; render the crawl again, or correct its manifest.") from error
