"""Pair primitives: closest-surface distance, footprint clearance and footprint overlap."""

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
# Points that lie as far apart as a gap says are looked for so much farther than that.
_NEAR_M, _NEAR_REL = 0.02, 0.1
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
    """Return a point of each surface (n, 3): closest neighbors that lie as far apart as D_gap says."""
    from scipy.spatial import KDTree

    ends = []
    near_m = _NEAR_M + _NEAR_REL * gap_m
    for one, other in ((a, b), (b, a)):
        tree = KDTree(other)
        # Neighbors much farther than the gap decide nothing, and take the time.
        found, nearest = (np.asarray(part) for part in tree.query(one, distance_upper_bound=gap_m + near_m))
        if np.abs(found - gap_m).min() > near_m:
            found, nearest = (np.asarray(part) for part in tree.query(one))
        at = int(np.argmin(np.abs(found - gap_m)))
        ends.append((abs(float(found[at]) - gap_m), one[at], other[nearest[at]]))
    from_a, from_b = ends
    return (from_a[1], from_a[2]) if from_a[0] <= from_b[0] else (from_b[2], from_b[1])


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
