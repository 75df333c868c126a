"""Pair primitives: closest-surface distance, footprint clearance and footprint overlap."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from udfs.geometry.quantiles import quantiles

Points = NDArray[np.float64]
_GAP_QUANTILE = 0.01
_TAIL = 12
_NEAREST_SHARE, _MIN_NEAREST = 0.06, 40
_CLOSE_SPACINGS = 6.0
# Points that lie as far apart as a gap says are looked for so much farther than that.
_NEAR_M, _NEAR_REL = 0.02, 0.1


@dataclass(frozen=True)
class Cloud:
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

    def nearest(self, share: float, tail: NDArray[np.float32]) -> "Cloud":
        """Return the `share` of the points nearest to a few others, given as rows of their left factor."""
        ranked = (tail @ self.right).min(axis=0)
        count = min(len(ranked), max(_MIN_NEAREST, int(share * len(ranked))))
        chosen = np.argpartition(ranked, count - 1)[:count]
        return Cloud(self.left[chosen], self.right[:, chosen])


@dataclass(frozen=True)
class Surface:
    """An object's visible surface in W at three densities; `spacing_m` is the spacing of the coarse points."""

    coarse: Cloud
    middle: Cloud
    dense: Cloud
    spacing_m: float


def surfaces_of(clouds: list[tuple[Points, ...]], pixels_m: list[float]) -> list[Surface]:
    """Build surfaces from points in W (dense, middle, coarse) and each object's pixel spacing in m."""
    origin = np.mean([points[-1].mean(axis=0) for points in clouds], axis=0)
    out = []
    for (dense, middle, coarse), pixel_m in zip(clouds, pixels_m, strict=True):
        spacing_m = pixel_m * float(np.sqrt(len(dense) / len(coarse)))
        out.append(Surface(Cloud.of(coarse - origin), Cloud.of(middle - origin), Cloud.of(dense - origin), spacing_m))
    return out


def surface_gap(a: Surface, b: Surface) -> float:
    """Return D_gap in m: the 1st percentile of nearest-neighbor distances, the smaller of both directions.

    Coarse points locate the parts of the surfaces that face each other. Only those parts are measured at a higher
    density: the full one if the gap is small compared with the coarse spacing.
    """
    squared = a.coarse.left @ b.coarse.right
    from_a, from_b = squared.min(axis=1), squared.min(axis=0)
    facing_a, facing_b = _tail(a.coarse, from_a), _tail(b.coarse, from_b)
    close = float(from_a.min()) <= (_CLOSE_SPACINGS * max(a.spacing_m, b.spacing_m)) ** 2
    first, second = (a.dense, b.dense) if close else (a.middle, b.middle)
    near, far = first.nearest(_NEAREST_SHARE, facing_b), second.nearest(_NEAREST_SHARE, facing_a)
    table = near.left @ far.right
    return min(_percentile(table.min(axis=1), len(first.left)), _percentile(table.min(axis=0), len(second.left)))


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
    return cloud.left[np.argpartition(squared, count - 1)[:count]]


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
