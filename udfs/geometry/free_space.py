"""Free space: what is seen of a surface and has nothing on it, beside an object or on top of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from udfs.geometry.view import View

Array = NDArray[Any]
Mask = NDArray[np.bool_]
_CELLS = 90
_MARGIN_M = 0.02  # kept from everything that stands there
_MIN_AREA_M2, _MIN_RADIUS_M = 0.035, 0.04
_MIN_REACH_M, _MAX_REACH_M = 0.3, 2.0
_CLEARLY = np.tan(np.deg2rad(35.0))  # a point is asked for this far from the border of its side, of 45 degrees
_MIN_SLOPE = np.sin(np.deg2rad(8.0))
_OUTLINE_CELLS = 1.0
_STANDS_M = 0.02
_MAX_BLUR_M, _BLUR_SHARE = 0.03, 0.03
_HEADROOM_M = 0.2  # on top of a thing; beside one, things that hang higher than this leave the floor free
_OVERHEAD_M = 1.0
_TOP_M, _TOP_SHARE = 0.015, 0.5
SIDES = {"left": (0.0, 1.0), "right": (0.0, -1.0), "front": (-1.0, 0.0), "behind": (1.0, 0.0)}
TOP = "top"


@dataclass(frozen=True)
class Standing:
    """An object as free space sees it: its label, outline from above, and heights in W, m."""

    object_id: int
    label: int
    outline: shapely.Polygon
    box: shapely.Polygon
    bottom_m: float
    top_m: float
    support_m: float | None
    is_whole: bool


@dataclass(frozen=True)
class Grid:
    """Square cells on a horizontal surface: their centers (n, n, 3) in W, the side of one, m, and what they are."""

    places: Array
    cell_m: float

    @classmethod
    def around(cls, center: Array, half_m: float, height_m: float, yaw_rad: float = 0.0) -> "Grid":
        """Return the grid of a square about a center (2,), turned by a yaw."""
        steps = (np.arange(_CELLS) + 0.5) / _CELLS * 2 * half_m - half_m
        along, across = np.meshgrid(steps, steps, indexing="ij")
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        x, y = center[0] + c * along - s * across, center[1] + s * along + c * across
        return cls(np.stack([x, y, np.full_like(x, height_m)], axis=-1), 2 * half_m / _CELLS)

    def seen(self, view: View, labels: Iterable[int]) -> Mask:
        """Return the cells whose surface the image shows, as a pixel of one of the labels."""
        flat = self.places.reshape(-1, 3)
        shown = view.shown(flat)
        off_m = np.abs(shown.point[:, 2] - flat[:, 2])
        away_m = np.linalg.norm(flat - view.camera_m, axis=1)
        on = shown.inside & (off_m <= view.tolerance_m(away_m)) & np.isin(shown.label, list(labels))
        return on.reshape(self.places.shape[:2])

    def blur_m(self, view: View, i: int = _CELLS // 2, j: int = _CELLS // 2) -> float:
        """Return how far the border of a surface at a cell, by default the middle one, may seem to lie off, m.

        At a glancing angle, the side of a thing passes for its top, and the foot of a wall for the floor, as far as
        depth is uncertain.
        """
        place = self.places[i, j]
        away_m = float(np.linalg.norm(place - view.camera_m))
        fall_m = abs(float(place[2] - view.camera_m[2]))
        return float(view.tolerance_m(np.array(away_m))) * away_m / max(fall_m, 1e-6)

    def steep(self, view: View) -> Mask:
        """Return the cells that are not seen at a glancing angle."""
        away_m = np.linalg.norm(self.places - view.camera_m, axis=2)
        return np.abs(self.places[..., 2] - view.camera_m[2]) >= _MIN_SLOPE * away_m

    def covered(self, outlines: Sequence[shapely.Polygon], margin_m: float = 0.0) -> Mask:
        """Return the cells within a margin of outlines seen from above."""
        shape = self.places.shape[:2]
        if not outlines:
            return np.zeros(shape, bool)
        whole = shapely.union_all([outline.buffer(margin_m) if margin_m else outline for outline in outlines])
        shapely.prepare(whole)
        return shapely.contains_xy(whole, self.places[..., 0], self.places[..., 1])

    def area_m2(self, cells: Mask) -> float:
        """Return the area of some cells."""
        return float(np.count_nonzero(cells)) * self.cell_m**2


def beside(view: View, thing: Standing, others: Sequence[Standing], labels: Iterable[int]) -> list[dict[str, Any]]:
    """Return the free space (SPACE structs) to each side of an object on the surface that carries it.

    A side is the quarter about the object's center; it reaches as far as the object's diagonal, at least 0.3 m.
    """
    height_m = thing.support_m
    center = np.asarray(thing.box.centroid.coords[0])
    reach_m = max(_MIN_REACH_M, _diagonal_m(thing.box))
    if height_m is None or abs(thing.bottom_m - height_m) > _STANDS_M or reach_m > _MAX_REACH_M:
        return []
    grid = Grid.around(center, reach_m, height_m)
    low = [other for other in others if other.top_m > height_m and other.bottom_m < height_m + _OVERHEAD_M]
    outlines = [shape for other in (thing, *low) for shape in (other.box, other.outline)]
    free = grid.seen(view, labels) & ~grid.covered(_near(outlines, center, 2 * reach_m), _MARGIN_M)
    offset = grid.places[..., :2] - center
    free &= np.hypot(offset[..., 0], offset[..., 1]) <= reach_m
    found = []
    for side, axis in SIDES.items():
        ahead, aside = offset @ np.asarray(axis), np.abs(offset @ np.asarray([-axis[1], axis[0]]))
        own = free & (ahead > aside)
        space = _space(view, grid, own, own & (aside <= _CLEARLY * ahead))
        if space is not None:
            found.append({"object_id": thing.object_id, "side": side, **space})
    return found


def on_top(view: View, thing: Standing, others: Sequence[Standing], height_m: float) -> dict[str, Any] | None:
    """Return the free space (a SPACE struct) on the flat top of an object at a height, None without any."""
    center, half_m, yaw_rad = _frame_of(thing.box)
    grid = Grid.around(center, half_m, height_m, yaw_rad)
    if grid.blur_m(view) > min(_MAX_BLUR_M, _BLUR_SHARE * thing.box.area**0.5):
        return None
    seen = grid.seen(view, [thing.label])
    near = (height_m - _TOP_M, height_m + _HEADROOM_M)
    carried = [other for other in others if near[0] <= other.bottom_m <= near[1]]
    outlines = _near([shape for other in carried for shape in (other.box, other.outline)], center, 2 * half_m)
    free = seen & ~grid.covered(outlines)
    space = _space(view, grid, free, free & ~grid.covered(outlines, _MARGIN_M))
    if space is None:
        return None
    whole = _hull_cells(seen)
    hidden = whole & ~seen & ~grid.covered(outlines)
    long_m, short_m = largest_rectangle_m(free & ~grid.covered(outlines, _MARGIN_M), grid.cell_m)
    return {
        "object_id": thing.object_id,
        "side": TOP,
        **space,
        "hidden_m2": grid.area_m2(hidden),
        "whole_m2": grid.area_m2(whole),
        "long_m": long_m,
        "short_m": short_m,
    }


def flat_top_m(view: View, thing: Standing) -> float | None:
    """Return the height of an object's flat, level top in W, m; None where its highest part is not flat or not seen."""
    chosen = view.labels == thing.label
    points = view.points[chosen].astype(np.float64)
    points = points[np.isfinite(points[:, 2])]
    if len(points) < 50 or view.camera_m[2] <= thing.top_m + 0.05:
        return None
    high = points[points[:, 2] > float(np.percentile(points[:, 2], 98)) - _TOP_M]
    height_m = float(np.median(high[:, 2]))
    away_m = np.linalg.norm(high - view.camera_m, axis=1)
    flat = np.abs(high[:, 2] - height_m) <= view.tolerance_m(away_m)
    if np.mean(flat) < 0.95 or abs(height_m - thing.top_m) > _TOP_M:
        return None
    on = chosen & (np.abs(view.points[..., 2] - np.float32(height_m)) <= 2 * _TOP_M / 3)
    area_m2 = view.area_m2(on, float(view.camera_m[2]) - height_m)
    return height_m if area_m2 >= _MIN_AREA_M2 else None


def largest_rectangle_m(cells: Mask, cell_m: float) -> tuple[float, float]:
    """Return the longer and the shorter side of the largest rectangle of cells along the axes of the grid, m."""
    best, sides = 0, (0, 0)
    heights = np.zeros(cells.shape[1], np.int64)
    for row in cells:
        heights = np.where(row, heights + 1, 0)
        stack: list[tuple[int, int]] = []
        for place, tall in enumerate([*heights.tolist(), 0]):
            start = place
            while stack and stack[-1][1] >= tall:
                start, height = stack.pop()
                if height * (place - start) > best:
                    best, sides = height * (place - start), (height, place - start)
            stack.append((start, tall))
    return max(sides) * cell_m, min(sides) * cell_m


def _space(view: View, grid: Grid, free: Mask, candidates: Mask) -> dict[str, Any] | None:
    """Return what the row says of free cells, with the point of the candidates that is farthest from all others."""
    area_m2 = grid.area_m2(free)
    inner = np.pad((candidates & grid.steep(view)).astype(np.uint8), 1)
    away = away_px(inner)[1:-1, 1:-1]
    i, j = divmod(int(np.argmax(away)), away.shape[1])
    radius_m = (float(away[i, j]) - 0.5) * grid.cell_m - grid.blur_m(view, i, j)
    if area_m2 < _MIN_AREA_M2 or radius_m < _MIN_RADIUS_M:
        return None
    point = grid.places[i, j]
    u, v = view.normalized(point[None])[0]
    return {
        "height_m": float(point[2]),
        "point_m": [float(value) for value in point],
        "point": [float(u), float(v)],
        "radius_m": radius_m,
        "area_m2": area_m2,
        "outline": _outline(view, grid, free, (i, j)),
    }


def away_px(inner: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the distance of every pixel of a mask from the nearest one outside it, px.

    OpenCV's last bit depends on where the mask lies in memory, and with it which of two equal distances is larger. The
    squares are whole numbers.
    """
    away = cv2.distanceTransform(inner, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.sqrt(np.rint(np.square(away.astype(np.float64))))


def _outline(view: View, grid: Grid, free: Mask, place: tuple[int, int]) -> list[float]:
    """Return the outline of the connected free cells about a place as u0, v0, u1, v1, .. in [0, 1)."""
    parts = np.asarray(cv2.connectedComponents(free.astype(np.uint8), connectivity=4)[1])
    own = (parts == parts[place[0], place[1]]).astype(np.uint8)
    contours, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(contours, key=cv2.contourArea)
    corners = cv2.approxPolyDP(largest, _OUTLINE_CELLS, True)[:, 0, :]
    places = grid.places[corners[:, 1], corners[:, 0]]
    return [float(value) for value in view.normalized(places).ravel()]


def _hull_cells(cells: Mask) -> Mask:
    rows, columns = np.nonzero(cells)
    hull = np.zeros(cells.shape, np.uint8)
    if len(rows):
        corners = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
        cv2.fillConvexPoly(hull, corners, 1)
    return hull.astype(bool)


def _near(outlines: Sequence[shapely.Polygon], center: Array, reach_m: float) -> list[shapely.Polygon]:
    middle = shapely.Point(center)
    return [outline for outline in outlines if outline.distance(middle) <= reach_m]


def _diagonal_m(outline: shapely.Polygon) -> float:
    corners = np.asarray(outline.exterior.coords)
    apart = corners[:, None] - corners[None]
    return float(np.hypot(apart[..., 0], apart[..., 1]).max())


def _frame_of(outline: shapely.Polygon) -> tuple[Array, float, float]:
    """Return center, half the longer side with a margin, and heading of the smallest rectangle about an outline."""
    rectangle = shapely.get_coordinates(outline.minimum_rotated_rectangle)[:4]
    edges = np.diff(rectangle[:3], axis=0)
    long = edges[int(np.argmax(np.hypot(edges[:, 0], edges[:, 1])))]
    return rectangle.mean(axis=0), float(np.hypot(*long)) / 2 + _MARGIN_M, float(np.arctan2(long[1], long[0]))


def standing_of(thing: Mapping[str, Any], label: int, support_m: float | None) -> Standing | None:
    """Return an OBJECT struct as free space sees it; None where its outline is flat."""
    corners = np.reshape(thing["corners_m"], (8, 3))
    seen = shapely.MultiPoint(np.reshape(thing["foot_m"], (-1, 2))).convex_hull
    box = shapely.MultiPoint(corners[:, :2]).convex_hull
    if not (isinstance(seen, shapely.Polygon) and isinstance(box, shapely.Polygon)):
        return None
    return Standing(
        object_id=thing["object_id"],
        label=label,
        outline=seen,
        box=box,
        bottom_m=float(corners[:, 2].min()),
        top_m=float(corners[:, 2].max()),
        support_m=support_m,
        is_whole=not thing["truncated"] and thing["occlusion"] <= 0.1,
    )
