"""Pair primitives: closest-surface distance, clearance and overlap of footprints."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from udfs.geometry.quantiles import quantiles

Points = NDArray[np.float64]
_SHARE = 0.01
_TAIL = 12
_KEPT, _FEWEST = 0.06, 40
_CLOSE_SPACINGS = 6.0


@dataclass(frozen=True)
class Cloud:
    """Points held as `left` (n, 5) and `right` (5, n): a left times a right is a matrix of squared distances."""

    left: NDArray[np.float32]
    right: NDArray[np.float32]

    @classmethod
    def of(cls, near: Points) -> "Cloud":
        """Return the factors of points (n, 3); single precision carries micrometres only near the origin."""
        squares = np.einsum("ij,ij->i", near, near)
        left, right = np.ones((len(near), 5), np.float32), np.ones((5, len(near)), np.float32)
        left[:, :3], left[:, 3] = near, squares
        right[:3], right[4] = -2.0 * near.T, squares
        return cls(left, right)

    def nearest(self, share: float, tail: NDArray[np.float32]) -> "Cloud":
        """Return the `share` of the points that lie nearest to a few others, given as rows of their left factor."""
        ranked = (tail @ self.right).min(axis=0)
        count = min(len(ranked), max(_FEWEST, int(share * len(ranked))))
        chosen = np.argpartition(ranked, count - 1)[:count]
        return Cloud(self.left[chosen], self.right[:, chosen])


@dataclass(frozen=True)
class Surface:
    """An object's visible surface in W at three densities; `spacing_m` is how far apart the coarse points lie."""

    coarse: Cloud
    middle: Cloud
    dense: Cloud
    spacing_m: float


def surfaces_of(clouds: list[tuple[Points, ...]], pixels_m: list[float]) -> list[Surface]:
    """Return surfaces from their points, dense to coarse, and the distance between neighbouring pixels, m."""
    origin = np.mean([points[-1].mean(axis=0) for points in clouds], axis=0)
    out = []
    for (dense, middle, coarse), pixel_m in zip(clouds, pixels_m, strict=True):
        spacing_m = pixel_m * float(np.sqrt(len(dense) / len(coarse)))
        out.append(Surface(Cloud.of(coarse - origin), Cloud.of(middle - origin), Cloud.of(dense - origin), spacing_m))
    return out


def surface_gap(one: Surface, two: Surface) -> float:
    """Return D_gap in m: the 1st percentile of nearest-neighbour distances, the smaller of both directions.

    Coarse points find the parts of the surfaces that face each other; only those are measured with many points, with
    all where the gap is small against the coarse spacing.
    """
    squared = one.coarse.left @ two.coarse.right
    there, back = squared.min(axis=1), squared.min(axis=0)
    mine, its = _tail(one.coarse, there), _tail(two.coarse, back)
    close = float(there.min()) <= (_CLOSE_SPACINGS * max(one.spacing_m, two.spacing_m)) ** 2
    first, second = (one.dense, two.dense) if close else (one.middle, two.middle)
    near, far = first.nearest(_KEPT, its), second.nearest(_KEPT, mine)
    table = near.left @ far.right
    return min(
        _percentile(table.min(axis=1), len(first.left)),
        _percentile(table.min(axis=0), len(second.left)),
    )


def _tail(cloud: Cloud, squared: NDArray[np.float32]) -> NDArray[np.float32]:
    count = min(len(squared), _TAIL)
    return cloud.left[np.argpartition(squared, count - 1)[:count]]


def _percentile(squared: NDArray[np.float32], whole: int) -> float:
    """Return the 1st percentile of `whole` distances, the lowest of which are given, squared."""
    place = _SHARE * (whole - 1) / max(len(squared) - 1, 1)
    return float(np.sqrt(max(quantiles(squared, [min(1.0, place)])[0], 0.0)))


def footprint_pairs(
    feet: list[Points], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return clearance in m and overlap in m2 of footprint polygons (k, 2), pair by pair."""
    shapes = np.array([shapely.convex_hull(shapely.multipoints(foot)) for foot in feet])
    clearance = shapely.distance(shapes[first], shapes[second])
    overlap = np.zeros(len(first))
    touching = clearance <= 0
    overlap[touching] = shapely.area(shapely.intersection(shapes[first][touching], shapes[second][touching]))
    return clearance, overlap
