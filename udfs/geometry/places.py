"""Surfaces, openings, free space and lines of sight of one lifted scene, as columns of `scenes`."""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from udfs.geometry.free_space import Standing, beside, flat_top_m, on_top, standing_of
from udfs.geometry.sights import sights_of
from udfs.geometry.supports import FLOOR, Ground
from udfs.geometry.surface_grid import SurfaceGrid
from udfs.geometry.view import View
from udfs.geometry.walls import Doorway, Wall, name_of, walls_of

WALL, TOP, DOORWAY = "wall", "top", "doorway"
_LEVEL_M = 0.03
COLUMNS = ("places", "spaces", "sights")
NOTHING: dict[str, Any] = dict.fromkeys(COLUMNS)
_OF_SOME_PLACES = ("name", "object_id", "normal_m", "offset_m", "height_m", "width_m", "is_whole", "sigma_m")
_OF_TOPS = ("hidden_m2", "whole_m2", "long_m", "short_m")


def places_of(
    view: View, grid: SurfaceGrid, ground: Ground, things: Sequence[tuple[int, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return the columns `places`, `spaces` and `sights`; `things` are labels of the view with OBJECT structs."""
    walls = walls_of(view, grid) if ground.supports else []
    heights = {k: ground.height_m(k) for k in range(len(ground.supports))}
    standing = [
        one for label, thing in things if (one := standing_of(thing, label, heights.get(thing["support_plane_id"])))
    ]
    tops = {one.object_id: height_m for one in standing if (height_m := flat_top_m(view, one)) is not None}
    spaces = [
        space for one in standing for space in beside(view, one, _others(one, standing), _carriers(one, standing, tops))
    ]
    for one in standing:
        if one.object_id in tops:
            space = on_top(view, one, _others(one, standing), tops[one.object_id])
            spaces += [space] if space is not None else []
    named = [name_of(wall) for wall, _ in walls]
    rows: list[dict[str, Any]] = []
    for (wall, doorways), name in zip(walls, named, strict=True):
        if name is not None and named.count(name) == 1:
            rows.append(_wall_row(wall, name))
        # with two doorways in sight, neither is "the doorway"
        if ground.origin_kind == FLOOR and sum(len(others) for _, others in walls) == 1:
            rows += [_doorway_row(wall, doorway) for doorway in doorways]
    is_whole = {one.object_id: one.is_whole for one in standing}
    rows += [
        {"kind": TOP, "object_id": number, "height_m": tops[number], "is_whole": is_whole[number]} for number in tops
    ]
    return {
        "places": [{**dict.fromkeys(_OF_SOME_PLACES), **row, "place_id": n} for n, row in enumerate(rows)],
        "spaces": [{**dict.fromkeys(_OF_TOPS), **space} for space in spaces],
        "sights": sights_of(view, things),
    }


def _others(one: Standing, standing: Sequence[Standing]) -> list[Standing]:
    return [other for other in standing if other is not one]


def _carriers(one: Standing, standing: Sequence[Standing], tops: Mapping[int, float]) -> list[int]:
    """Return the labels of the surface that an object stands on: of the thing whose top it is, else of none."""
    center = one.box.centroid
    below = [
        other.label
        for other in _others(one, standing)
        if one.support_m is not None
        and abs(tops.get(other.object_id, float("inf")) - one.support_m) <= _LEVEL_M
        and shapely.contains(other.box, center)
    ]
    return below or [0]


def _wall_row(wall: Wall, name: str) -> dict[str, Any]:
    return {
        "kind": WALL,
        "name": name,
        "normal_m": [float(wall.normal[0]), float(wall.normal[1]), 0.0],
        "offset_m": wall.offset_m,
        "sigma_m": wall.residual_m / max(len(wall.patches), 1) ** 0.5,
    }


def _doorway_row(wall: Wall, doorway: Doorway) -> dict[str, Any]:
    return {
        "kind": DOORWAY,
        "name": "the doorway",
        "normal_m": [float(wall.normal[0]), float(wall.normal[1]), 0.0],
        "offset_m": wall.offset_m,
        "width_m": doorway.width_m,
        "sigma_m": doorway.spread_m,
    }
