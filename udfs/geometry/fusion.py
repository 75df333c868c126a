"""Fuses the posed frames of a sequence into one scene: instances, boxes from all views, what moved, what contradicts.

The fused frame F is gravity-aligned: x is where the first frame's camera looks, made horizontal, y left, z up; its
origin lies below that camera on the floor, or in the camera where no frame has found a floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.geometry.confirmed import confirmed
from udfs.geometry.contradictions import consistent, contradictions, overlap, sightings
from udfs.geometry.frame import rotation_of
from udfs.geometry.fused_base import Level, fused_base, levels_of
from udfs.geometry.fused_shape import FusedShape, Seen, fused_shape
from udfs.geometry.matching import Sighted, instances
from udfs.geometry.pairs import surface_gap, surfaces_of
from udfs.geometry.posed_view import PosedView
from udfs.geometry.room_outline import RoomOutline, room_outline
from udfs.geometry.walkable import Walkable, walkable

Array = NDArray[np.float64]
_MATCH_POINTS, _POINTS = 200, 1500
_DENSITIES = (12_000, 1_600, 200)
_MAX_OCCLUSION = 0.10
_BORDER_PX = 2
_MAX_UP_DEG = 5.0
_MIN_KEPT = 0.3
_GONE_SHARE, _THROUGH_SHARE, _TORN_SHARE = 0.7, 0.1, 0.5
_MIN_COMPARED, _MIN_COMPARED_SHARE = 15, 0.2
_SAME_HEIGHT_REL, _SAME_HEIGHT_M = 0.15, 0.03
_MIN_MOVE_M, _MOVE_SIGMAS = 0.10, 3.0


class ViewsContradict(ValueError):
    """No two frames agree about where things are; the message says how many contradict each other."""


@dataclass(frozen=True, eq=False)
class FusedObject:
    """One instance in frame F, m.

    `seen` holds its OBJECT struct per frame, by the frame's place among the views, and `clouds` the points (n, 3) of
    that frame that others confirm. `is_whole` says that a frame shows
    it neither cut off nor hidden. `through` counts the frames that see through where it is, `is_moved` that it is one
    of two places of a thing that was moved, or that frames show it in two places itself.
    """

    object_id: int
    label: str
    captions: tuple[str, ...]
    seen: Mapping[int, Mapping[str, Any]]
    clouds: Mapping[int, Array]
    shape: FusedShape
    is_whole: bool
    through: int = 0
    is_moved: bool = False

    @property
    def points(self) -> Array:
        """Return its points (n, 3) of all frames."""
        return np.concatenate(list(self.clouds.values()))

    @property
    def confidence(self) -> float:
        """Return the share of frames that show it of those that see its place."""
        return len(self.seen) / (len(self.seen) + self.through)


@dataclass(frozen=True)
class Moved:
    """A thing that was moved between two frames: its two places, how far, and the standard error, m."""

    before: int
    after: int
    distance_m: float
    sigma_m: float


@dataclass(frozen=True, eq=False)
class FusedScene:
    """A fused sequence: p_F = rotation @ p_world + offset_m.

    `views` are those that agree, in order of the frames; `left_out` says why others do not count, by frame.
    """

    views: tuple[PosedView, ...]
    rotation: Array
    offset_m: Array
    objects: tuple[FusedObject, ...]
    moved: tuple[Moved, ...]
    left_out: Mapping[int, str]
    seen_through: float
    has_gravity: bool
    has_floor: bool

    def to_fused(self, points: Array) -> Array:
        """Return points (n, 3) of the world in F, m."""
        return points @ self.rotation.T + self.offset_m

    def from_fused(self, points: Array) -> Array:
        """Return points (n, 3) of F in the world, m."""
        return (points - self.offset_m) @ self.rotation

    def object(self, object_id: int) -> FusedObject:
        """Return an object by its id."""
        return self.objects[object_id - 1]

    @cached_property
    def scale_ok(self) -> bool:
        """Whether the depth of every frame is metric."""
        return all(bool(view.scene["scale_ok"]) for view in self.views)

    @cached_property
    def outline(self) -> RoomOutline | None:
        """The outline of the room, None where too little of it is seen."""
        return room_outline(self.views, self.rotation, self.offset_m)

    @cached_property
    def walkable(self) -> Walkable | None:
        """The floor that one can walk on, None where no frame shows any."""
        return walkable(self.views, self.rotation, self.offset_m)

    def overlap(self, one: int, other: int) -> float:
        """Return the share of what one view measures that another one shows, too, by their places."""
        return overlap(self.views[one], self.views[other])

    def gap_m(self, a: int, b: int) -> float:
        """Return D_gap of two objects, m: the median of the frames that show both, or that of the points of all frames.

        Only points that other frames confirm count: flying pixels bring surfaces nearer in all frames alike. All points
        together would come nearer than they are by the noise of every frame.
        """
        one, other = self.object(a), self.object(b)
        both = sorted(one.seen.keys() & other.seen.keys())
        if both:
            return float(np.median([_gap_m(one.clouds[k], other.clouds[k]) for k in both]))
        return _gap_m(one.points, other.points)


def fuse(frames: Sequence[PosedView]) -> FusedScene:
    """Fuse lifted frames with poses; their order changes nothing.

    Raises:
        ViewsContradict: fewer than two frames agree, or fewer than half.
    """
    views = sorted(frames, key=lambda view: (view.frame, view.image_id))
    left_out, kept = _agreeing(views)
    shares = contradictions(kept)
    known = shares[~np.isnan(shares)]
    up = _up(kept)
    rotation, offset, has_floor = _frame_of(kept, up)
    seen = [
        _sighted(number, view, thing, rotation, offset)
        for number, view in enumerate(kept)
        for thing in view.scene["objects"]
    ]
    things = {(one.view, one.object_id): _thing(kept[one.view], one.object_id) for one in seen}
    levels = levels_of(kept, rotation, offset)
    objects = [
        _object(number, [seen[k] for k in group], kept, things, (rotation, offset), levels)
        for number, group in enumerate(instances(seen), 1)
    ]
    objects = [_with_through(thing, kept, rotation, offset) for thing in objects]
    moved = _moves(objects, kept, rotation, offset)
    places = {place for move in moved for place in (move.before, move.after)}
    places |= {thing.object_id for thing in objects if _is_torn(thing, kept, (rotation, offset))}
    marked = [_marked(thing) if thing.object_id in places else thing for thing in objects]
    return FusedScene(
        views=tuple(kept),
        rotation=rotation,
        offset_m=offset,
        objects=tuple(marked),
        moved=tuple(moved),
        left_out=left_out,
        seen_through=float(known.mean()) if len(known) else 0.0,
        has_gravity=up is not None,
        has_floor=has_floor,
    )


def _gap_m(one: Array, other: Array) -> float:
    # Points of several frames have no outline of their own.
    parts: list[tuple[Array, ...]] = [
        (*(points[:: 1 + len(points) // most] for most in _DENSITIES), np.empty((0, 3))) for points in (one, other)
    ]
    return surface_gap(*surfaces_of(parts))


def _agreeing(views: list[PosedView]) -> tuple[dict[int, str], list[PosedView]]:
    """Return why frames are left out, and the frames that agree."""
    left_out: dict[int, str] = {}
    level = []
    up = _up(views)
    for view in views:
        tilt = 0.0 if up is None or view.up is None else np.rad2deg(np.arccos(np.clip(view.up @ up, -1.0, 1.0)))
        if tilt <= _MAX_UP_DEG:
            level.append(view)
        else:
            left_out[view.frame] = f"its pose tilts gravity by {tilt:.0f} degrees against the other frames"
    shares = contradictions(level)
    good = consistent(shares)
    for number, view in enumerate(level):
        if number not in good:
            left_out[view.frame] = (
                f"other frames see through {np.nanmax(shares[number]):.0%} of the surfaces that it measures"
            )
    kept = [level[number] for number in good]
    if len(kept) < 2 or 2 * len(kept) < len(views):
        raise ViewsContradict(
            f"Of {len(views)} frames, {len(kept)} agree about where surfaces are; check the poses (camera to world, m) "
            "and that nothing but single objects moved."
        )
    return left_out, kept


def _up(views: Sequence[PosedView]) -> Array | None:
    """Return the unit vector up in the world: the median of the frames'; None where no frame knows it."""
    known = [view.up for view in views if view.up is not None]
    if not known:
        return None
    middle = np.median(np.stack(known), axis=0)
    return middle / np.linalg.norm(middle)


def _frame_of(views: Sequence[PosedView], up: Array | None) -> tuple[Array, Array, bool]:
    """Return rotation and offset from the world to F, and whether a frame has found a floor."""
    first = views[0]
    up_c = first.pose[:3, :3].T @ up if up is not None else np.array([0.0, -1.0, 0.0])
    rotation = rotation_of(up_c / np.linalg.norm(up_c)) @ first.pose[:3, :3].T
    heights = [
        float(rotation[2] @ view.position) - float(view.scene["world_from_camera"][11])
        for view in views
        if up is not None and view.scene["has_plane"] == "floor"
    ]
    origin = rotation @ first.position
    floor = float(np.median(heights)) if heights else float(origin[2])
    return rotation, -np.array([origin[0], origin[1], floor]), bool(heights)


def _thing(view: PosedView, object_id: int) -> Mapping[str, Any]:
    return next(thing for thing in view.scene["objects"] if thing["object_id"] == object_id)


def _sighted(number: int, view: PosedView, thing: Mapping[str, Any], rotation: Array, offset: Array) -> Sighted:
    object_id = int(thing["object_id"])
    points = view.to_world(view.points_c[object_id])
    points = points[:: 1 + len(points) // _MATCH_POINTS]
    corners = view.from_scene(np.asarray(thing["corners_m"], np.float64).reshape(8, 3))
    return Sighted(
        view=number,
        object_id=object_id,
        name=(thing["label"] or next(iter(thing["captions"] or []), "")).casefold(),
        points=points @ rotation.T + offset,
        corners=corners @ rotation.T + offset,
        sigma_m=view.sigma_rel * float(thing["range_m"]),
        is_cut=_is_cut(thing),
    )


def _is_cut(thing: Mapping[str, Any]) -> bool:
    return bool(thing["truncated"]) or float(thing["occlusion"]) > _MAX_OCCLUSION


def _object(
    number: int,
    group: list[Sighted],
    views: Sequence[PosedView],
    things: Mapping[tuple[int, int], Mapping[str, Any]],
    frame: tuple[Array, Array],
    levels: Sequence[Level],
) -> FusedObject:
    rotation, offset = frame
    clouds: dict[int, Array] = {}
    shapes, whole = [], []
    own = {one.view: one.object_id for one in group}
    for one in group:
        view, thing = views[one.view], things[one.view, one.object_id]
        points = view.to_world(view.points_c[one.object_id])
        points = _confirmed(points[:: 1 + len(points) // _POINTS], one.view, own, views)
        clouds[one.view] = points @ rotation.T + offset
        whole.append(not _is_cut(thing))
        shapes.append(
            Seen(
                points=clouds[one.view],
                low_m=float(one.corners[:, 2].min()),
                high_m=float(one.corners[:, 2].max()),
                height_sigma_m=float(thing["height_sigma_m"] or 0.0),
                camera=rotation @ view.position + offset,
                pixel_rel=1.0 / view.depth.camera.fx,
                sigma_rel=view.sigma_rel,
            )
        )
    used = [shape for shape, is_whole in zip(shapes, whole, strict=True) if is_whole]
    if not used:
        parts = _together(shapes, np.concatenate(list(clouds.values())))
        is_open = all(_is_open_below(views[one.view], things[one.view, one.object_id]) for one in group)
        rests = any(things[one.view, one.object_id]["support_plane_id"] is not None for one in group)
        used = [_completed(parts, own, levels, rests) if is_open else parts]
    shape = fused_shape(used)
    seen = {one.view: things[one.view, one.object_id] for one in group}
    said = [caption for one in group for caption in things[one.view, one.object_id]["captions"] or []]
    label = str(things[group[0].view, group[0].object_id]["label"] or group[0].name)
    return FusedObject(number, label, tuple(dict.fromkeys(said)), seen, clouds, shape, any(whole))


def _confirmed(points: Array, view: int, own: Mapping[int, int], views: Sequence[PosedView]) -> Array:
    """Return the points (n, 3) of a view that others confirm; all of them, where hardly any is."""
    kept = confirmed(points, view, own, views)
    return points[kept] if np.count_nonzero(kept) >= _MIN_KEPT * len(points) else points


def _together(shapes: Sequence[Seen], points: Array) -> Seen:
    """Return parts of a thing, of which no view shows the whole, as one view of all."""
    best = min(shapes, key=lambda shape: shape.sigma_rel)
    return Seen(
        points,
        min(shape.low_m for shape in shapes),
        max(shape.high_m for shape in shapes),
        max(shape.height_sigma_m for shape in shapes),
        np.mean([shape.camera for shape in shapes], axis=0),
        best.pixel_rel,
        best.sigma_rel,
    )


def _is_open_below(view: PosedView, thing: Mapping[str, Any]) -> bool:
    """Return whether the lower border of the image cuts a thing off."""
    return int(thing["bbox_px"][3]) >= view.labels.shape[0] - _BORDER_PX


def _completed(parts: Seen, own: Mapping[int, int], levels: Sequence[Level], rests: bool) -> Seen:
    """Return a thing that no view shows down to its lower end with the part down to what carries it, if that is known.

    `rests` says that a view knows what it rests on.
    """
    base = fused_base(parts.points, own, levels, rests)
    if base is None or base.height_m >= parts.low_m:
        return parts
    return replace(parts, low_m=base.height_m, height_sigma_m=float(np.hypot(parts.height_sigma_m, base.sigma_m)))


def _with_through(thing: FusedObject, views: Sequence[PosedView], rotation: Array, offset: Array) -> FusedObject:
    others = [number for number in range(len(views)) if number not in thing.seen]
    count = sum(_is_gone(thing, views[number], rotation, offset) is True for number in others)
    return FusedObject(**{**vars(thing), "through": count}) if count else thing


def _marked(thing: FusedObject) -> FusedObject:
    return FusedObject(**{**vars(thing), "is_moved": True})


def _is_gone(thing: FusedObject, view: PosedView, rotation: Array, offset: Array) -> bool | None:
    """Return whether a view shows the place of a thing without it; None where it does not see the place.

    Nothing of its name is there, and part of it is seen through: a flat thing lies too near what is below it for more.
    """
    points = (thing.points[:: 1 + len(thing.points) // _MATCH_POINTS] - offset) @ rotation
    found = sightings(view, points)
    named = [int(one["object_id"]) for one in view.scene["objects"] if one["label"] == thing.label]
    alike = np.isin(found.label, named)
    seen = found.through | found.agrees
    if np.count_nonzero(seen) < max(_MIN_COMPARED, _MIN_COMPARED_SHARE * len(points)):
        return None
    without, through = seen & ~alike, found.through & ~alike
    shares = [np.count_nonzero(part) / np.count_nonzero(seen) for part in (without, through)]
    return bool(shares[0] >= _GONE_SHARE and shares[1] >= _THROUGH_SHARE)


def _is_torn(thing: FusedObject, views: Sequence[PosedView], frame: tuple[Array, Array]) -> bool:
    """Return whether a frame that shows a thing sees through most of where another frame shows it: it was moved."""
    rotation, offset = frame
    for k, cloud in thing.clouds.items():
        points = (cloud[:: 1 + len(cloud) // _MATCH_POINTS] - offset) @ rotation
        for other in thing.seen.keys() - {k}:
            found = sightings(views[other], points, views[k].sigma_rel)
            seen = np.count_nonzero(found.through | found.agrees)
            if seen >= _MIN_COMPARED and np.count_nonzero(found.through) > _TORN_SHARE * seen:
                return True
    return False


def _moves(objects: Sequence[FusedObject], views: Sequence[PosedView], rotation: Array, offset: Array) -> list[Moved]:
    """Return what was moved: gone from one place in later frames, and not yet in another in earlier ones."""
    found = []
    for one, other in combinations(objects, 2):
        if one.label != other.label:
            continue
        before, after = (one, other) if max(one.seen) < min(other.seen) else (other, one)
        if max(before.seen) >= min(after.seen):
            continue
        gone = [_is_gone(before, views[k], rotation, offset) for k in range(min(after.seen), len(views))]
        absent = [_is_gone(after, views[k], rotation, offset) for k in range(max(before.seen) + 1)]
        if not _all_true(gone) or not _all_true(absent) or not _same_height(before, after):
            continue
        apart = after.shape.center - before.shape.center
        distance = float(np.linalg.norm(apart))
        sigma = float(np.hypot(before.shape.center_sigma_m, after.shape.center_sigma_m))
        if distance >= max(_MIN_MOVE_M, _MOVE_SIGMAS * sigma):
            found.append(Moved(before.object_id, after.object_id, distance, sigma))
    places = [place for move in found for place in (move.before, move.after)]
    # Where one place may belong to two moves, nothing tells which it is.
    return [move for move in found if places.count(move.before) == 1 and places.count(move.after) == 1]


def _all_true(verdicts: Sequence[bool | None]) -> bool:
    known = [verdict for verdict in verdicts if verdict is not None]
    return bool(known) and all(known)


def _same_height(one: FusedObject, other: FusedObject) -> bool:
    a, b = one.shape.size_m[2], other.shape.size_m[2]
    return abs(a - b) <= max(_SAME_HEIGHT_M, _SAME_HEIGHT_REL * max(a, b))
