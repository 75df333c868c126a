"""Where a length was measured: the lines that show it in the image, as points in frame W, m."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
Line = tuple[Point, Point]
_SAME_LEVEL_M = 0.05
ObjectRow = Mapping[str, Any]


class Measurement(NamedTuple):
    """What was measured: rows of `scenes.objects` or `scenes.places`, the variant and the value of the answer.

    `camera_m` is the camera's center and `ahead` the direction in which it looks, both in W; `closest` finds the
    closest points of the two surfaces.
    """

    a: ObjectRow
    b: ObjectRow | None
    variant: str
    value_m: float
    camera_m: Point
    ahead: Point
    closest: Callable[[], Line]

    @property
    def both(self) -> tuple[ObjectRow, ObjectRow]:
        """The two objects.

        Raises:
            ValueError: it is about one.
        """
        if self.b is None:
            raise ValueError("The measurement is about one object; only one between two has both.")
        return self.a, self.b


Span = Callable[[Measurement], list[Line]]


def closest_points(measured: Measurement) -> list[Line]:
    """Return the line between the closest points of two surfaces."""
    return [measured.closest()]


def centers(measured: Measurement) -> list[Line]:
    """Return the line between two centers."""
    a, b = map(_center, measured.both)
    return [(a, b)]


def level(measured: Measurement) -> list[Line]:
    """Return the line between two centers at the height of the first."""
    a, b = map(_center, measured.both)
    return [(a, np.array([b[0], b[1], a[2]]))]


def plumb(measured: Measurement) -> list[Line]:
    """Return the vertical line between two objects, through the center of the upper one."""
    lower, upper = sorted(measured.both, key=lambda row: row["center_m"][2])
    x, y, top = _center(upper)
    bottom = float(lower["center_m"][2])
    if measured.variant == "gap":
        top, bottom = upper["lo_m"][2], lower["hi_m"][2]
    return [(np.array([x, y, top]), np.array([x, y, bottom]))]


def across(measured: Measurement) -> list[Line]:
    """Return the line from the first center sideways to where the second one is."""
    a, b = map(_center, measured.both)
    return [(a, np.array([a[0], b[1], a[2]]))]


def along_view(measured: Measurement) -> list[Line]:
    """Return the line from the second center along the view to where the first one is."""
    _, b = map(_center, measured.both)
    reach = -measured.value_m if measured.variant == "front" else measured.value_m
    return [(b, b + reach * measured.ahead)]


def widths(measured: Measurement) -> list[Line]:
    """Return the width of every object, at its center."""
    lines = []
    for row in _objects(measured):
        corners, center = _corners(row), _center(row)
        left, right = corners[:, 1].max(), corners[:, 1].min()
        lines.append((np.array([center[0], left, center[2]]), np.array([center[0], right, center[2]])))
    return lines


def heights(measured: Measurement) -> list[Line]:
    """Return the height of every object, along the edge of its box that is nearest to the camera."""
    lines = []
    for row in _objects(measured):
        corners = _corners(row)
        nearest = np.argmin(np.linalg.norm(corners[:4] - measured.camera_m, axis=1))
        lines.append((corners[nearest], corners[nearest + 4]))
    return lines


def depths(measured: Measurement) -> list[Line]:
    """Return the length of every object from front to back, along the nearest such edge of its box."""
    lines = []
    for row in _objects(measured):
        bottom = _corners(row)[:4]
        edges = [(bottom[k], bottom[(k + 1) % 4]) for k in range(4)]
        alike = sorted(edges, key=lambda edge: abs(float(np.linalg.norm(edge[1] - edge[0])) - row["size_m"][4]))[:2]
        lines.append(min(alike, key=lambda edge: float(np.linalg.norm((edge[0] + edge[1]) / 2 - measured.camera_m))))
    return lines


def down_from_bottom(measured: Measurement) -> list[Line]:
    """Return the line from the bottom of an object down to the plane of W's origin."""
    return [_dropped(measured.a, measured.a["lo_m"][2])]


def down_from_top(measured: Measurement) -> list[Line]:
    """Return the line from the top of an object down to the plane of W's origin."""
    return [_dropped(measured.a, measured.a["hi_m"][2])]


def footprints(measured: Measurement) -> list[Line]:
    """Return the line between the closest points of two footprints, with what leads up to an object above it."""
    return _level_gap(measured, [np.reshape(row["foot_m"], (-1, 2)) for row in measured.both])


def boxes(measured: Measurement) -> list[Line]:
    """Return the line between the closest points of two boxes as seen from above."""
    return _level_gap(measured, [_corners(row)[:, :2] for row in measured.both])


def to_wall(measured: Measurement) -> list[Line]:
    """Return the level line from the corner of an object nearest to a wall to that wall."""
    a, wall = measured.both
    normal, corners = np.asarray(wall["normal_m"], dtype=np.float64), _corners(a)[:4]
    away_m = corners @ normal + wall["offset_m"]
    start = corners[np.argmin(away_m)]
    return [(start, start - away_m.min() * normal)]


def _level_gap(measured: Measurement, outlines: list[Point]) -> list[Line]:
    """Return the shortest line between two outlines from above, at the height of the lower bottom.

    What stands or hangs higher is joined to it by a vertical line, since the level line then ends in the air.
    """
    import shapely

    one, other = (shapely.MultiPoint(outline).convex_hull for outline in outlines)
    ends = shapely.get_coordinates(shapely.shortest_line(one, other))
    bottoms = [_bottom_m(row) for row in measured.both]
    low = min(bottoms)
    lines = [(np.array([*ends[0], low]), np.array([*ends[1], low]))]
    for end, bottom in zip(ends, bottoms, strict=True):
        if bottom - low > _SAME_LEVEL_M:
            lines.append((np.array([*end, low]), np.array([*end, bottom])))
    return lines


def _bottom_m(row: ObjectRow) -> float:
    """Return how high the bottom of an object is, of its box where that is known: what is seen may begin higher."""
    return float(_corners(row)[:, 2].min() if row["corners_m"] else row["lo_m"][2])


def _objects(measured: Measurement) -> list[ObjectRow]:
    return [measured.a] if measured.b is None else [measured.a, measured.b]


def _center(row: ObjectRow) -> Point:
    return np.asarray(row["center_m"], dtype=np.float64)


def _corners(row: ObjectRow) -> Point:
    return np.asarray(row["corners_m"], dtype=np.float64).reshape(8, 3)


def _dropped(row: ObjectRow, height_m: float) -> Line:
    x, y, _ = _center(row)
    return np.array([x, y, height_m]), np.array([x, y, 0.0])
