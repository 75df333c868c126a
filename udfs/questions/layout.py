"""What affordances read of a scene: every object seen from above, surfaces, openings, free space and lines of sight."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import shapely

from udfs.margins import MAX_OCCLUSION
from udfs.questions.seen_object import SeenObject

_STANDS_M = 0.05
_BARRIER_M = 0.15  # lower things are stepped over
_FLAT_M = 0.03
_OVERHEAD_M = 2.0
_MIN_PASSAGE_M, _MAX_PASSAGE_M = 0.20, 4.0
_AGREE = 0.10


@dataclass(slots=True)
class SeenShape:
    """One object, named or not, in frame W, m: its outline from above, of what is visible and of its size box.

    `bottom_m` and `top_m` are those of the size box, `lo_m` and `hi_m` of the visible points. `is_whole` says that it
    is neither truncated nor more than 10 % occluded, `is_amodal` that the size box is the crawl's.
    """

    object_id: int
    label: str
    foot: shapely.Polygon
    box: shapely.Polygon
    bottom_m: float
    top_m: float
    lo_m: float
    hi_m: float
    is_whole: bool
    is_amodal: bool

    @property
    def stands(self) -> bool:
        """Return whether it stands on the plane that holds the origin."""
        return max(self.bottom_m, self.lo_m) <= _STANDS_M


@dataclass(slots=True)
class SeenPlace(SeenObject):
    """A surface or an opening as a thing; it is measured by the layout, so the primitives of an object are NaN.

    Its `object_id` is negative, so that it is no object's. `row` is its struct in `scenes.places`.
    """

    place_id: int
    name: str
    kind: str
    row: Mapping[str, Any]

    @property
    def owner(self) -> int | None:
        """Return the id of the object whose top it is, None for a wall or an opening."""
        return self.row["object_id"]


@dataclass(frozen=True)
class Passage:
    """A gap between two objects that stand on the floor, with nothing else in it; `width_m` is that of their boxes."""

    a: int
    b: int
    width_m: float


@dataclass
class Layout:
    """The shapes of all objects by id, the places, and rows of `scenes.spaces` and `scenes.sights`.

    `on_floor` says that heights in W are above the floor; `sigma_rel` is the declared error of depth / range.
    """

    on_floor: bool
    sigma_rel: float
    shapes: dict[int, SeenShape]
    places: list[SeenPlace] = field(default_factory=list)
    spaces: list[Mapping[str, Any]] = field(default_factory=list)
    sights: list[Mapping[str, Any]] = field(default_factory=list)

    @cached_property
    def passages(self) -> list[Passage]:
        """Return the gaps that something on the floor may pass through, by the ids of their two sides."""
        sides = [s for s in self.shapes.values() if self.on_floor and s.stands and s.top_m >= _BARRIER_M]
        barriers = [s for s in self.shapes.values() if s.top_m >= _FLAT_M and s.bottom_m < _OVERHEAD_M]
        found = []
        for one, two in combinations(sides, 2):
            seen_m, width_m = shapely.distance(one.foot, two.foot), shapely.distance(one.box, two.box)
            if not _MIN_PASSAGE_M <= width_m <= _MAX_PASSAGE_M or abs(seen_m - width_m) > _AGREE * width_m:
                continue
            between = shapely.convex_hull(shapely.union(one.box, two.box))
            others = [s for s in barriers if s is not one and s is not two]
            if not any(between.intersects(s.box) or between.intersects(s.foot) for s in others):
                found.append(Passage(one.object_id, two.object_id, float(width_m)))
        return found

    def places_of(self, kind: str) -> list[SeenPlace]:
        """Return the places of a kind: wall, top or doorway."""
        return [place for place in self.places if place.kind == kind]


def layout_of(row: Mapping[str, Any]) -> Layout:
    """Return the layout of a `scenes` row, without places where it was lifted without them."""
    shapes = {thing["object_id"]: shape for thing in row["objects"] if (shape := _shape_of(thing)) is not None}
    return Layout(
        on_floor=row["has_plane"] == "floor",
        sigma_rel=row.get("sigma_rel") or 0.0,
        shapes=shapes,
        places=[_place_of(place) for place in row.get("places") or ()],
        spaces=list(row.get("spaces") or ()),
        sights=list(row.get("sights") or ()),
    )


def _shape_of(thing: Mapping[str, Any]) -> SeenShape | None:
    """Return an object's shape; None where its outline or its box is unknown or flat."""
    foot, corners = thing["foot_m"], thing["corners_m"]
    if not foot or not corners or len(corners) != 24 or not np.isfinite(corners).all() or not np.isfinite(foot).all():
        return None
    bounds = np.reshape(corners, (8, 3))
    seen, box = (shapely.MultiPoint(flat).convex_hull for flat in (np.reshape(foot, (-1, 2)), bounds[:, :2]))
    if not (isinstance(seen, shapely.Polygon) and isinstance(box, shapely.Polygon)):
        return None
    occlusion = math.inf if thing["occlusion"] is None else thing["occlusion"]
    return SeenShape(
        object_id=thing["object_id"],
        label=thing["label"] or "",
        foot=seen,
        box=box,
        bottom_m=float(bounds[:, 2].min()),
        top_m=float(bounds[:, 2].max()),
        lo_m=thing["lo_m"][2],
        hi_m=thing["hi_m"][2],
        is_whole=thing["truncated"] is False and occlusion <= MAX_OCCLUSION,
        is_amodal=thing["size_source"] == "amodal",
    )


def _place_of(row: Mapping[str, Any]) -> SeenPlace:
    unmeasured: dict[str, Any] = {one.name: math.nan for one in fields(SeenObject)}
    unmeasured |= {"amodal": False, "size_ok": False, "edge_ok": False, "object_id": -1 - row["place_id"]}
    unmeasured |= {"label": "", "cut_off": False}
    return SeenPlace(**unmeasured, place_id=row["place_id"], name=row["name"] or "", kind=row["kind"], row=row)
