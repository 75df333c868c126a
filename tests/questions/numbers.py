"""The quantitative definitions of docs/questions.md, written a second time: plain, slow, and apart from the engine."""

import math
from typing import NamedTuple

from tests.questions.definitions import (
    Row,
    X,
    Y,
    Z,
    depth_witness,
    gap_on,
    ground_witness,
    has_gravity,
    has_scale,
    is_on_or_in,
    is_taller,
    is_wider,
    lateral_witness,
    pair_of,
    sees_edges,
    t_dep,
    t_lat,
    vertical_witness,
)


class Number(NamedTuple):
    """A decided number: its value, the side that it is said with, and the variant of its question."""

    value: float
    side: str | None = None
    variant: str | None = None


def single_number(type_id: str, scene: Row, a: Row) -> Number | None:
    """Return a number about one object."""
    metric, gravity = has_scale(scene), has_gravity(scene)
    rests_m = max(0.02, a["sigma_m"])
    supported = metric and gravity and scene["has_plane"] in ("floor", "table") and sees_edges(a)
    supported = supported and a["lo_m"][Z] >= -rests_m
    supported = supported and not (scene["has_plane"] == "table" and (a["support_plane_id"] or 0) > 0)
    if type_id == "N08":
        return Number(a["size_m"][1]) if metric and a["size_ok"] else None
    if type_id == "N09":
        return Number(a["size_m"][2]) if metric and gravity and a["size_ok"] else None
    if type_id == "N10":
        return Number(a["size_m"][4]) if metric and gravity and a["size_source"] == "amodal" else None
    if type_id == "N13":
        return Number(a["range_m"]) if metric and 0.3 <= a["range_m"] <= 20 else None
    if type_id == "N15" and supported:
        rests = a["lo_m"][Z] <= rests_m
        if rests:
            return Number(max(0.0, a["lo_m"][Z]), None, "rests") if a["sigma_m"] <= 0.1 else None
        return Number(a["lo_m"][Z], None, "value")
    if type_id == "N16" and supported:
        return Number(a["hi_m"][Z]) if a["hi_m"][Z] > rests_m else None
    if type_id == "N17":
        m, c = a["center_m"], a["center_c_m"]
        b = math.atan2(-m[Y], m[X]) if gravity else math.atan2(c[X], c[Z])
        side = None if abs(b) < math.radians(5) else "right" if b > 0 else "left"
        return Number(abs(b), side, side or "ahead")
    return None


def pair_number(type_id: str, scene: Row, a: Row, b: Row) -> list[Number]:
    """Return the numbers about A relative to B; N18 has two, all others none or one."""
    metric, gravity, sized = has_scale(scene), has_gravity(scene), a["size_ok"] and b["size_ok"]
    if type_id == "N18":
        return _ratios(scene, a, b)
    if not metric:
        return []
    d = [p - q for p, q in zip(a["center_m"], b["center_m"], strict=True)]
    pair = pair_of(scene, a, b)
    if type_id == "N01":
        hidden = pair["masks_adjacent"] and math.hypot(a["sigma_m"], b["sigma_m"]) > pair["gap_m"]
        return _at_least(pair["gap_m"], 0.05) if not hidden else []
    if type_id == "N02":
        return _agreed(a, b, math.hypot(*d), (X, Y, Z))
    if type_id == "N03":
        return _agreed(a, b, math.hypot(d[X], d[Y]), (X, Y)) if gravity else []
    if type_id == "N19":
        return _at_least(pair["clearance_m"], 0.10) if gravity else []
    if type_id == "N04":
        return _vertical(a, b, d[Z]) if gravity else []
    if type_id == "N05" and is_on_or_in(scene, a, b):
        return []
    if type_id == "N05":
        return _signed(d[Y], t_lat(a, b), "left", "right") if lateral_witness(a, b) else []
    if type_id == "N06":
        dd = b["depth_m"] - a["depth_m"]
        return (
            _signed(dd, t_dep(a, b), "front", "behind") if depth_witness(a, b) and ground_witness(scene, a, b) else []
        )
    if type_id == "N07":
        return _signed(d[Z], t_lat(a, b), "higher", "lower") if gravity and vertical_witness(a, b) else []
    if type_id == "N14":
        dr = b["range_m"] - a["range_m"]
        return _signed(dr, t_dep(a, b), "closer", "farther") if depth_witness(a, b) else []
    if type_id == "N11":
        e_a, e_b = a["size_m"][1], b["size_m"][1]
        return _signed(e_a - e_b, 0.0, "wider", "narrower") if is_wider(scene, a, b) is not None else []
    if type_id == "N12" and sized:
        h_a, h_b = a["size_m"][2], b["size_m"][2]
        return _signed(h_a - h_b, 0.0, "taller", "shorter") if is_taller(scene, a, b) is not None else []
    return []


def _agreed(a: Row, b: Row, apart: float, axes: tuple[int, ...]) -> list[Number]:
    """Return a distance of centers unless that of the boxes' centers differs by over 10 %, or is not known so well."""
    boxes = math.dist(*([sum(thing["corners_m"][k::3]) / 8 for k in axes] for thing in (a, b)))
    known = math.hypot(*(thing["box_sigma_m"] or 0.0 for thing in (a, b))) <= 0.10 * apart
    return _at_least(apart, 0.10) if known and abs(boxes - apart) <= 0.10 * apart else []


def _at_least(value: float, least: float) -> list[Number]:
    return [Number(value)] if value >= least else []


def _signed(value: float, threshold: float, positive: str, negative: str) -> list[Number]:
    return [Number(abs(value), positive if value > 0 else negative)] if abs(value) >= threshold else []


def _vertical(a: Row, b: Row, dz: float) -> list[Number]:
    gap = gap_on(a, b, Z)
    if gap > 0:
        return [Number(gap, None, "gap")] if gap >= 0.05 and sees_edges(a) and sees_edges(b) else []
    return [Number(abs(dz), None, "center")] if abs(dz) >= 0.05 else []


def _ratios(scene: Row, a: Row, b: Row) -> list[Number]:
    ratios = []
    for word, decided, k in (("taller", is_taller(scene, a, b), 2), ("wider", is_wider(scene, a, b), 1)):
        if decided and a["size_m"][k] / b["size_m"][k] >= 1.3:
            ratios.append(Number(a["size_m"][k] / b["size_m"][k], word, word))
    return ratios
