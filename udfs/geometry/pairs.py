"""Pair primitives: closest-surface distance, footprint clearance and footprint overlap."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from udfs.geometry.quantiles import quantiles

Points = NDArray[np.float64]
_GAP_QUANTILE = 0.01
_TAIL = 12
_NEAREST_SHARE, _MIN_NEAREST = 0.06, 40
# Points that are enough of a surface to find where it faces another, and by how much they may miss the gap.
_ENOUGH, _SAME_M, _SAME_REL = 800, 0.01, 0.02
_MAX_PRODUCTS = 2_000_000
_SKETCHED_OUTLINE = 150


class Cloud(NamedTuple):
    """Points as `left` (n, 5) and `right` (5, n): one cloud's left times another's right are squared distances."""

    left: NDArray[np.float32]
    right: NDArray[np.float32]

    @classmethod
    def of(cls, near: Points) -> "Cloud":
        """Build the factors of points (n, 3), which must lie near the origin: single precision limits accuracy."""
        squares = np.einsum("ij,ij->i", near, near)
        left, right = np.ones((len(near), 5), np.float32), np.ones((5, len(near)), np.float32)
        left[:, :3], left[:, 3] = near, squares
        right[:3], right[4] = -2.0 * near.T, squares
        return cls(left, right)


class Surface(NamedTuple):
    """An object's visible surface in W: a sketch of a few points, and `whole`, of which the first `n_even` count.

    Both also hold points of the outline. On what is seen at a grazing angle, even pixels lie far apart in space, but
    what hides the rest of it, or is nearest to it, mostly lies beside its outline.
    """

    sketch: Cloud
    whole: Cloud
    n_even: int


def surfaces_of(clouds: Sequence[tuple[Points, ...]]) -> list[Surface]:
    """Build surfaces from points in W: even ones, many, fewer and few, and those of the outline."""
    origin = np.mean([few.mean(axis=0) for _, _, few, _ in clouds], axis=0)
    out = []
    for many, even, few, outline in clouds:
        beside = outline[:: max(1, len(outline) // _SKETCHED_OUTLINE)]
        sketch = Cloud.of(np.concatenate([few, beside]) - origin)
        out.append(Surface(sketch, Cloud.of(np.concatenate([even, outline, many[::4]]) - origin), len(even)))
    return out


def surface_gap(a: Surface, b: Surface) -> float:
    """Return D_gap in m: the 1st percentile of nearest-neighbor distances, the smaller of both directions.

    The sketches locate the parts of the surfaces that face each other. Of these parts, the percentile counts even
    points, but the nearest neighbor may be any point, since an edge that is known to the spacing of even points only
    would seem too far away.
    """
    squared = a.sketch.left @ b.sketch.right
    even_a, near_a = _facing(a, _tail(b.sketch, squared.min(axis=0)))
    even_b, near_b = _facing(b, _tail(a.sketch, squared.min(axis=1)))
    from_a, from_b = (even_a @ near_b).min(axis=1), (even_b @ near_a).min(axis=1)
    return min(_percentile(from_a, a.n_even), _percentile(from_b, b.n_even))


def _facing(surface: Surface, tail: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the part that is nearest to a few others, rows of their left factor.

    That is the left factor of its even points, and the right factor of all its points.
    """
    ranked = (tail @ surface.whole.right).min(axis=0)
    even, near = _nearest(ranked[: surface.n_even]), _nearest(ranked)
    return surface.whole.left.take(even, axis=0), surface.whole.right.take(near, axis=1)


def _nearest(ranked: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the places of the share of points that rank lowest."""
    count = min(len(ranked), max(_MIN_NEAREST, int(_NEAREST_SHARE * len(ranked))))
    return ranked.argpartition(count - 1)[:count]


def facing_points(a: Points, b: Points, gap_m: float) -> tuple[Points, Points]:
    """Return a point of each surface (n, 3): closest neighbors that lie as far apart as D_gap says.

    An even share of the points of large surfaces is enough where two of them lie so to 1 cm and 2 %.
    """
    thin_a, thin_b = (points[:: max(1, math.ceil(len(points) / _ENOUGH))] for points in (a, b))
    off_m, ends = _facing_in(thin_a, thin_b, gap_m)
    if off_m > _SAME_M + _SAME_REL * gap_m and len(thin_a) + len(thin_b) < len(a) + len(b):
        _, ends = _facing_in(a, b, gap_m)
    return ends


def _facing_in(a: Points, b: Points, gap_m: float) -> tuple[float, tuple[Points, Points]]:
    """Return by how much the best closest neighbors miss D_gap, m, and their points."""
    to_b, to_a = _neighbors(a, b), _neighbors(b, a)
    off_a_m, off_b_m = (
        np.abs(np.linalg.norm(one - other[nearest], axis=1) - gap_m)
        for one, other, nearest in ((a, b, to_b), (b, a, to_a))
    )
    at_a, at_b = int(off_a_m.argmin()), int(off_b_m.argmin())
    if off_a_m[at_a] <= off_b_m[at_b]:
        return float(off_a_m[at_a]), (a[at_a], b[to_b[at_a]])
    return float(off_b_m[at_b]), (a[to_a[at_b]], b[at_b])


def _neighbors(points: Points, others: Points) -> NDArray[np.intp]:
    """Return the place of the nearest of others for each point (n,)."""
    squares = (others**2).sum(axis=1) / 2
    parts = np.array_split(points, math.ceil(len(points) * len(others) / _MAX_PRODUCTS))
    return np.concatenate([(squares - part @ others.T).argmin(axis=1) for part in parts])


def _tail(cloud: Cloud, squared: NDArray[np.float32]) -> NDArray[np.float32]:
    count = min(len(squared), _TAIL)
    return cloud.left.take(squared.argpartition(count - 1)[:count], axis=0)


def _percentile(squared: NDArray[np.float32], total: int) -> float:
    """Return the 1st percentile of `total` distances, given the squares of the smallest ones."""
    share = _GAP_QUANTILE * (total - 1) / max(len(squared) - 1, 1)
    return float(np.sqrt(max(quantiles(squared, [min(1.0, share)])[0], 0.0)))


def footprint_pairs(
    feet: list[Points], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return clearance in m and overlap in m2 of footprint polygons (k, 2) for each pair of indices."""
    shapes = np.array([shapely.convex_hull(shapely.multipoints(foot)) for foot in feet])
    clearance = shapely.distance(shapes[first], shapes[second])
    overlap = np.zeros(len(first))
    touching = clearance <= 0
    overlap[touching] = shapely.area(shapely.intersection(shapes[first][touching], shapes[second][touching]))
    return clearance, overlap
