"""Matches the objects of posed frames: which of them are the same instance, by where they are and how they are called.

Two objects may be the same if they are called the same, are of different frames, and the points of one lie within the
box of the other. The closest matches are joined first, and no two objects of one frame are ever joined, so that the
order of the frames changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_MIN_INSIDE = 0.5
_SLACK_M, _SLACK_SHARE, _SIGMAS = 0.02, 0.05, 2.0
_CENTER_M, _CENTER_SHARE = 0.30, 0.30
_MEET_M = 0.08


@dataclass(frozen=True, eq=False)
class Sighted:
    """One object in one frame: its name, points (n, 3) and box corners (8, 3) of the world, m, and their error, m.

    `view` and `object_id` say where it was seen, `is_cut` that the border of the image or something nearer cuts it off.
    """

    view: int
    object_id: int
    name: str
    points: Array
    corners: Array
    sigma_m: float
    is_cut: bool = False

    @property
    def size_m(self) -> float:
        """Return the length of the box from corner to corner."""
        return float(np.linalg.norm(self.corners[6] - self.corners[0]))


def instances(seen: Sequence[Sighted]) -> list[list[int]]:
    """Return groups of indices of `seen`, each one instance, in the order of their first member's view and place."""
    order = sorted(range(len(seen)), key=lambda one: (seen[one].view, seen[one].corners.mean(axis=0).tolist()))
    by_name: dict[str, list[int]] = {}
    for one in order:
        by_name.setdefault(seen[one].name, []).append(one)
    groups: list[list[int]] = []
    for alike in by_name.values():
        groups += _joined(seen, alike)
    place = {one: number for number, one in enumerate(order)}
    return sorted((sorted(group, key=place.__getitem__) for group in groups), key=lambda group: place[group[0]])


def _joined(seen: Sequence[Sighted], alike: list[int]) -> list[list[int]]:
    edges = []
    for k, one in enumerate(alike):
        for other in alike[k + 1 :]:
            likeness = likeness_of(seen[one], seen[other]) if seen[one].view != seen[other].view else 0.0
            if likeness > 0.0:
                edges.append((-likeness, k, one, other))
    group_of = {one: {one} for one in alike}
    for _, _, one, other in sorted(edges):
        a, b = group_of[one], group_of[other]
        if a is not b and not {seen[k].view for k in a} & {seen[k].view for k in b}:
            a |= b
            for member in b:
                group_of[member] = a
    return [list(group) for group in {id(group): group for group in group_of.values()}.values()]


def likeness_of(one: Sighted, other: Sighted) -> float:
    """Return how surely two objects of one name are the same, in [0, 1]; 0: they are not.

    That is the larger share of points that lie within the other's box. Of thin fronts and backs, whose boxes do not
    meet, the centers must be near; of two that are cut off, the surfaces must meet.
    """
    low = np.maximum(one.points.min(axis=0), other.points.min(axis=0))
    high = np.minimum(one.points.max(axis=0), other.points.max(axis=0))
    if (low - high > _CENTER_M).any():
        return 0.0
    inside = max(_inside(one.points, other), _inside(other.points, one))
    if inside >= _MIN_INSIDE:
        return inside
    apart = float(np.linalg.norm(one.corners.mean(axis=0) - other.corners.mean(axis=0)))
    limit = min(_CENTER_M, _CENTER_SHARE * min(one.size_m, other.size_m))
    if apart <= limit:
        return _MIN_INSIDE * (1.0 - 0.9 * apart / limit)
    if not (one.is_cut and other.is_cut):
        return 0.0
    # What comes with it takes a third of a second, and settings are read without it.
    from scipy.spatial import KDTree

    gap_m = float(KDTree(one.points).query(other.points)[0].min())
    limit = _MEET_M + _SIGMAS * max(one.sigma_m, other.sigma_m)
    return 0.0 if gap_m > limit else 0.05 * _MIN_INSIDE * (1.0 - 0.9 * gap_m / limit)


def _inside(points: Array, box: Sighted) -> float:
    """Return the share of points within a box, enlarged by the errors of both."""
    origin = box.corners[0]
    apart = points - origin
    within = np.ones(len(points), bool)
    for corner in (1, 3, 4):
        edge = box.corners[corner] - origin
        length = float(np.linalg.norm(edge))
        axis = edge / length if length > 1e-9 else np.zeros(3)
        slack = max(_SLACK_M, _SLACK_SHARE * length) + _SIGMAS * box.sigma_m
        along = apart @ axis
        within &= (along >= -slack) & (along <= length + slack)
    return float(within.mean())
