"""What a crawl carries about an image: validated in the frame of the stored pixels, then turned upright, once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from numpy.typing import NDArray

from udfs.pixels.maps import encoded_map
from udfs.pixels.orientation import UPRIGHT, Orientation, Size
from udfs.stages.rows import Row

GivenT = TypeVar("GivenT")
DoneT = TypeVar("DoneT")


@dataclass(frozen=True, eq=False)
class Map:
    """A depth or instance map as PNG and as its values (h, w)."""

    png: bytes
    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Sidecars:
    """The valid parts of what a crawl carries about an image, all in one frame; None where missing or invalid.

    `camera` holds fx, fy, cx, cy in px, `gravity` [3] and `pose` [16] refer to the camera frame, and `objects` are as
    in `images`. Depth is uint16, mm.
    """

    camera: Row | None = None
    gravity: list[float] | None = None
    pose: list[float] | None = None
    objects: list[Row] | None = None
    depth: Map | None = None
    instances: Map | None = None

    def columns(self) -> Row:
        """Return the columns of `images`."""
        maps = {"depth": self.depth, "instances": self.instances}
        pngs = {name: held.png if held else None for name, held in maps.items()}
        return {"camera": self.camera, "gravity": self.gravity, "pose": self.pose, "objects": self.objects, **pngs}


def upright_sidecars(stored: Sidecars, orientation: Orientation, stored_size: Size) -> Sidecars:
    """Return the sidecars of stored pixels of `stored_size` (width, height) for the upright image.

    Those of an upright file are returned as they are, maps byte by byte.
    """
    if orientation is UPRIGHT:
        return stored
    return replace(
        stored,
        camera=_where(stored.camera, lambda camera: orientation.camera(camera, stored_size)),
        gravity=_where(stored.gravity, orientation.vector),
        pose=_where(stored.pose, orientation.pose),
        objects=_where(stored.objects, lambda objects: [_object(one, orientation) for one in objects]),
        depth=_where(stored.depth, lambda held: _map(held, orientation)),
        instances=_where(stored.instances, lambda held: _map(held, orientation)),
    )


def _object(stored: Row, orientation: Orientation) -> Row:
    return {
        **stored,
        "box_3d": _where(stored["box_3d"], orientation.box),
        "front": _where(stored["front"], orientation.vector),
    }


def _map(stored: Map, orientation: Orientation) -> Map:
    values = orientation.map(stored.values)
    return Map(encoded_map(values), values)


def _where(value: GivenT | None, done: Callable[[GivenT], DoneT]) -> DoneT | None:
    return None if value is None else done(value)
