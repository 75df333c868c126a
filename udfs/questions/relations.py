"""Decided relations between two objects: who is further left, higher, nearer, wider, taller, bigger; near and far.

A relation is decided when its difference reaches the threshold and a second, independent measurement agrees in sign
(question-types.md, sections 1 and 2); an undecided pair is not asked about. NaN decides nothing.
"""

import math

from udfs.questions.decisions import Decided, Decisions
from udfs.questions.scene import Gates, SeenObject, SeenPair

MAX_LATERAL_OVERLAP = 0.5
NEAR_MAX_M = 1.0
MIN_SIZE_M = 0.02
MIN_RATIO = 1.3


def _lateral_threshold(a: SeenObject, b: SeenObject) -> float:
    """Return T_lat (and T_ver), m: lateral error is angular, so it grows with the mean range."""
    return max(0.05, 0.015 * (a.range_m + b.range_m))


def _depth_threshold(a: SeenObject, b: SeenObject) -> float:
    """Return T_dep, m: no less than two standard errors of a difference of two ranges."""
    return max(0.10, 0.025 * (a.range_m + b.range_m), 2.0 * math.sqrt(a.sigma_m * a.sigma_m + b.sigma_m * b.sigma_m))


def _size_threshold(larger: float) -> float:
    """Return T_size, m: 15 % of the larger and at least 3 cm."""
    return max(0.03, 0.15 * larger)


def relate(a: SeenObject, b: SeenObject, pair: SeenPair | None, gates: Gates, out: Decisions) -> None:
    """Append to `out` every relation that two objects decide."""
    _left(a, b, out)
    _depth(a, b, gates.gravity, out)
    sized = a.size_ok and b.size_ok
    if sized:
        _wider(a, b, out)
    if gates.gravity:
        _higher(a, b, out)
        if sized:
            _taller(a, b, out)
            _bigger(a, b, out)
    if gates.metric and pair is not None:
        _closeness(a, b, pair.gap_m, out)


def _is_nearer_on_ground(nearer: SeenObject, other: SeenObject, gravity: bool) -> bool:
    """Whether the ground order, where gravity tells it, agrees that `nearer` is in front.

    Looking down, the top of a tall thing is nearer to the camera than the flat thing in front of it.
    """
    return not gravity or nearer.m_x < other.m_x


def _is_wide_seen(larger: SeenObject, smaller: SeenObject) -> bool:
    """Whether the long sides do not contradict that `larger` has the larger e_y by more than T_size."""
    excess = smaller.length_m - larger.length_m
    return excess <= _size_threshold(smaller.length_m)


def _left(a: SeenObject, b: SeenObject, out: Decisions) -> None:
    dy = a.m_y - b.m_y
    if dy < 0:
        a, b, dy = b, a, -dy
    threshold = _lateral_threshold(a, b)
    # y points left and u right.
    if not (dy >= threshold and a.u_norm < b.u_norm):
        return
    decided = Decided(a, b, dy, threshold)
    out["sideways"].append(decided)
    shared = min(a.hi_y, b.hi_y) - max(a.lo_y, b.lo_y)
    if shared <= MAX_LATERAL_OVERLAP * min(a.hi_y - a.lo_y, b.hi_y - b.lo_y):
        out["left"].append(decided)


def _higher(a: SeenObject, b: SeenObject, out: Decisions) -> None:
    dz = a.m_z - b.m_z
    if dz < 0:
        a, b, dz = b, a, -dz
    threshold = _lateral_threshold(a, b)
    if dz >= threshold and (a.lo_z > b.hi_z or a.v_norm < b.v_norm):
        out["higher"].append(Decided(a, b, dz, threshold))


def _depth(a: SeenObject, b: SeenObject, gravity: bool, out: Decisions) -> None:
    by_depth, by_range = b.depth_m - a.depth_m, b.range_m - a.range_m
    if not by_depth * by_range > 0:
        return
    if by_depth < 0:
        a, b, by_depth, by_range = b, a, -by_depth, -by_range
    threshold = _depth_threshold(a, b)
    if by_depth >= threshold and _is_nearer_on_ground(a, b, gravity):
        out["nearer"].append(Decided(a, b, by_depth, threshold))
    if by_range >= threshold:
        out["closer"].append(Decided(a, b, by_range, threshold))


def _wider(a: SeenObject, b: SeenObject, out: Decisions) -> None:
    if a.e_y < b.e_y:
        a, b = b, a
    excess, threshold = a.e_y - b.e_y, _size_threshold(a.e_y)
    if excess >= threshold and _is_wide_seen(a, b):
        out["wider"].append(Decided(a, b, excess, threshold))
        _ratio("wider", a, b, a.e_y, b.e_y, out)


def _taller(a: SeenObject, b: SeenObject, out: Decisions) -> None:
    if a.height_m < b.height_m:
        a, b = b, a
    excess, threshold = a.height_m - b.height_m, _size_threshold(a.height_m)
    if excess >= threshold:
        out["taller"].append(Decided(a, b, excess, threshold))
        _ratio("taller", a, b, a.height_m, b.height_m, out)


def _ratio(word: str, a: SeenObject, b: SeenObject, larger: float, smaller: float, out: Decisions) -> None:
    if smaller >= MIN_SIZE_M and larger >= MIN_RATIO * smaller:
        out["ratio"].append(Decided(a, b, larger / smaller, MIN_RATIO, word))


def _bigger(a: SeenObject, b: SeenObject, out: Decisions) -> None:
    if a.volume_m3 < b.volume_m3:
        a, b = b, a
    excess, threshold = a.volume_m3 - b.volume_m3, 0.30 * a.volume_m3
    area_a, area_b = a.e_y * a.height_m, b.e_y * b.height_m
    # The frontal witness is 20 % of the larger, as every other relative threshold.
    if excess >= threshold > 0 and area_a - area_b >= 0.20 * area_a:
        out["bigger"].append(Decided(a, b, excess, threshold))


def _closeness(a: SeenObject, b: SeenObject, gap_m: float, out: Decisions) -> None:
    size = max(a.volume_m3, b.volume_m3)
    if not size > 0:
        return
    size_m = size ** (1.0 / 3.0)
    near_m, far_m = min(0.5 * size_m, NEAR_MAX_M), 2.0 * size_m
    if gap_m <= near_m:
        out["near"].append(Decided(a, b, gap_m, near_m))
    elif gap_m >= far_m:
        out["far"].append(Decided(a, b, gap_m, far_m))
