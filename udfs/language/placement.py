"""Distinguishes similar objects by their positions, using the thresholds of the question types.

In frame W, y points left. A comparison must exceed its threshold (T_lat, T_dep, T_ver) and agree with a second
measurement: the image column for left and right, the range for near and far, the image row for high and low.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from udfs.margins import depth_margin_m, lateral_margin_m

SceneObject = dict[str, Any]

MIN_SPREAD_RATIO = 0.7
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


@dataclass(frozen=True)
class Axis:
    """A direction along which objects differ: `before(a, b)` is true if `a` comes first by more than the threshold."""

    name: str
    before: Callable[[SceneObject, SceneObject], bool]
    place: Callable[[SceneObject], float]
    extent: Callable[[SceneObject], float]


def extremes(target: SceneObject, rivals: list[SceneObject], base: str, has_gravity: bool) -> list[str]:
    """Return expressions for the position of `target` relative to all rivals, along the first axis that decides it."""
    pair = len(rivals) == 1
    for axis, first, last in ((LATERAL, "left", "right"), (DEPTH, "near", "far"), (VERTICAL, "high", "low")):
        if axis is VERTICAL and not has_gravity:
            continue
        if all(axis.before(target, rival) for rival in rivals):
            return _expressions(first, base, pair, _opposite_halves(target, rivals))
        if all(axis.before(rival, target) for rival in rivals):
            return _expressions(last, base, pair, _opposite_halves(target, rivals))
    return []


def ordinal(target: SceneObject, rivals: list[SceneObject], base: str) -> str | None:
    """Return an expression such as "the second chair from the left" if similar objects form a clear row, or None."""
    row = [target, *rivals]
    axis = max((LATERAL, DEPTH), key=lambda axis: _spread_ratio(axis, row))
    if len(row) < 3 or _spread_ratio(axis, row) < MIN_SPREAD_RATIO:
        return None
    row.sort(key=axis.place)
    if not all(axis.before(a, b) for a, b in pairwise(row)):
        return None
    rank, last = row.index(target), len(row) - 1
    if 2 * rank == last:
        return f"the middle {base}" if axis is LATERAL else _counted(rank, base, "front")
    start, end = ("left", "right") if axis is LATERAL else ("front", "back")
    return _counted(rank, base, start) if 2 * rank < last else _counted(last - rank, base, end)


def _counted(rank: int, base: str, start: str) -> str | None:
    return f"the {_ORDINALS[rank]} {base} from the {start}" if rank < len(_ORDINALS) else None


def _expressions(side: str, base: str, pair: bool, opposite_halves: bool) -> list[str]:
    if side in ("left", "right"):
        if not pair:
            return [f"the {side}most {base}", f"the {base} farthest to the {side}"]
        # "on the left" refers to the image, so the two objects must lie on opposite sides of its center
        return [f"the {base} on the {side}"] if opposite_halves else [f"the {base} farther to the {side}"]
    if side in ("near", "far"):
        words = {"near": ("nearer", "nearest"), "far": ("farther", "farthest")}[side]
        return [f"the {words[not pair]} {base}"]
    words = {"high": ("higher", "highest"), "low": ("lower", "lowest")}[side]
    return [f"the {words[not pair]} {base}"]


def _opposite_halves(target: SceneObject, rivals: list[SceneObject]) -> bool:
    return all((target["u_norm"] - 0.5) * (rival["u_norm"] - 0.5) < 0 for rival in rivals)


def _spread_ratio(axis: Axis, row: list[SceneObject]) -> float:
    places = [axis.place(item) for item in row]
    mean_extent = sum(axis.extent(item) for item in row) / len(row)
    return (max(places) - min(places)) / max(mean_extent, 1e-6)


def _left_of(a: SceneObject, b: SceneObject) -> bool:
    threshold = lateral_margin_m(a["range_m"], b["range_m"])
    return a["center_m"][1] - b["center_m"][1] >= threshold and a["u_norm"] < b["u_norm"]


def _nearer_than(a: SceneObject, b: SceneObject) -> bool:
    threshold = depth_margin_m(a["range_m"], b["range_m"], a["sigma_m"], b["sigma_m"])
    return b["depth_m"] - a["depth_m"] >= threshold and b["range_m"] - a["range_m"] >= threshold


def _higher_than(a: SceneObject, b: SceneObject) -> bool:
    threshold = lateral_margin_m(a["range_m"], b["range_m"])
    return a["center_m"][2] - b["center_m"][2] >= threshold and a["v_norm"] < b["v_norm"]


def _extent(index: int) -> Callable[[SceneObject], float]:
    return lambda item: item["hi_m"][index] - item["lo_m"][index]


LATERAL = Axis("lateral", _left_of, lambda item: -item["center_m"][1], _extent(1))
DEPTH = Axis("depth", _nearer_than, lambda item: item["depth_m"], _extent(0))
VERTICAL = Axis("vertical", _higher_than, lambda item: -item["center_m"][2], _extent(2))
