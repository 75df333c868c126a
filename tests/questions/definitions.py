"""The qualitative definitions of docs/questions.md, written a second time: plain, slow, and apart from the engine.

A relation reads a `scenes` row and two OBJECT structs and says whether A stands in it to B, None where it is undecided.
"""

import math
from typing import Any

Row = dict[str, Any]
X, Y, Z = 0, 1, 2


def has_gravity(scene: Row) -> bool:
    return scene["gravity_src"] != "none" and scene["gravity_sigma_deg"] <= 5.0


def has_scale(scene: Row) -> bool:
    return scene["scale_ok"] and (scene["scale_sigma_rel"] or 0.0) <= 0.3


def sees_edges(thing: Row) -> bool:
    return not thing["truncated"] and thing["occlusion"] <= 0.10


def pair_of(scene: Row, a: Row, b: Row) -> Row:
    ids = {a["object_id"], b["object_id"]}
    return next(pair for pair in scene["pairs"] if {pair["a"], pair["b"]} == ids)


def gap_on(a: Row, b: Row, axis: int) -> float:
    return max(a["lo_m"][axis] - b["hi_m"][axis], b["lo_m"][axis] - a["hi_m"][axis])


def overlap_on(a: Row, b: Row, axis: int) -> float:
    shared = min(a["hi_m"][axis], b["hi_m"][axis]) - max(a["lo_m"][axis], b["lo_m"][axis])
    return max(0.0, shared) / min(a["hi_m"][axis] - a["lo_m"][axis], b["hi_m"][axis] - b["lo_m"][axis])


def mean_range(a: Row, b: Row) -> float:
    return (a["range_m"] + b["range_m"]) / 2


def t_lat(a: Row, b: Row) -> float:
    return max(0.05, 0.03 * mean_range(a, b))


def t_dep(a: Row, b: Row) -> float:
    return max(0.10, 0.05 * mean_range(a, b), 2 * math.hypot(a["sigma_m"], b["sigma_m"]))


def t_size(one: float, other: float) -> float:
    return max(0.15 * max(one, other), 0.03)


def lateral_witness(a: Row, b: Row) -> bool:
    dy = a["center_m"][Y] - b["center_m"][Y]
    return dy * (b["u_norm"] - a["u_norm"]) > 0


def vertical_witness(a: Row, b: Row) -> bool:
    dz = a["center_m"][Z] - b["center_m"][Z]
    return gap_on(a, b, Z) > 0 or dz * (b["v_norm"] - a["v_norm"]) > 0


def depth_witness(a: Row, b: Row) -> bool:
    return (a["range_m"] - b["range_m"]) * (a["depth_m"] - b["depth_m"]) > 0


def ground_witness(scene: Row, a: Row, b: Row) -> bool:
    dx = a["center_m"][X] - b["center_m"][X]
    return not has_gravity(scene) or dx * (a["depth_m"] - b["depth_m"]) > 0


def is_left(scene: Row, a: Row, b: Row) -> bool | None:
    dy = a["center_m"][Y] - b["center_m"][Y]
    if abs(dy) < t_lat(a, b) or not lateral_witness(a, b) or overlap_on(a, b, Y) > 0.5:
        return None
    return dy > 0


def is_above(scene: Row, a: Row, b: Row) -> bool | None:
    dz = a["center_m"][Z] - b["center_m"][Z]
    if not has_gravity(scene) or abs(dz) < t_lat(a, b) or not vertical_witness(a, b):
        return None
    return dz > 0


def is_in_front(scene: Row, a: Row, b: Row) -> bool | None:
    dd = b["depth_m"] - a["depth_m"]
    witnessed = depth_witness(a, b) and ground_witness(scene, a, b)
    return dd > 0 if abs(dd) >= t_dep(a, b) and witnessed else None


def is_closer(scene: Row, a: Row, b: Row) -> bool | None:
    dr = b["range_m"] - a["range_m"]
    return dr > 0 if abs(dr) >= t_dep(a, b) and depth_witness(a, b) else None


def is_wider(scene: Row, a: Row, b: Row) -> bool | None:
    (_, e_a, _, l_a, _), (_, e_b, _, l_b, _) = a["size_m"], b["size_m"]
    if not (a["size_ok"] and b["size_ok"]) or abs(e_a - e_b) < t_size(e_a, e_b):
        return None
    contradicted = (l_a - l_b) * (e_a - e_b) < 0 and abs(l_a - l_b) > t_size(l_a, l_b)
    return None if contradicted else e_a > e_b


def is_taller(scene: Row, a: Row, b: Row) -> bool | None:
    h_a, h_b = a["size_m"][2], b["size_m"][2]
    if not has_gravity(scene) or not (a["size_ok"] and b["size_ok"]) or abs(h_a - h_b) < t_size(h_a, h_b):
        return None
    return h_a > h_b


def is_bigger(scene: Row, a: Row, b: Row) -> bool | None:
    v_a, v_b = a["volume_m3"], b["volume_m3"]
    if not has_gravity(scene) or not (a["size_ok"] and b["size_ok"]) or abs(v_a - v_b) < 0.30 * max(v_a, v_b):
        return None
    f_a, f_b = a["size_m"][1] * a["size_m"][2], b["size_m"][1] * b["size_m"][2]
    larger, smaller = (f_a, f_b) if v_a > v_b else (f_b, f_a)
    return v_a > v_b if larger - smaller >= 0.20 * larger else None


def is_on_or_in(scene: Row, a: Row, b: Row) -> bool:
    """Return whether one touches the other within its sides, raised above its bottom by 3 cm and a tenth of it."""
    if pair_of(scene, a, b)["gap_m"] > 0.05:
        return False
    for upper, lower in ((a, b), (b, a)):
        (y_0, z_0), (y_1, _) = upper["lo_m"][1:], upper["hi_m"][1:]
        common = min(y_1, lower["hi_m"][Y]) - max(y_0, lower["lo_m"][Y])
        tall = lower["hi_m"][Z] - lower["lo_m"][Z]
        if common >= 0.8 * (y_1 - y_0) and z_0 >= lower["lo_m"][Z] + max(0.03, tall / 10):
            return True
    return False


def is_close(scene: Row, a: Row, b: Row) -> bool | None:
    if not has_scale(scene):
        return None
    size, gap = max(a["volume_m3"], b["volume_m3"]) ** (1 / 3), pair_of(scene, a, b)["gap_m"]
    if gap <= 0.5 * size and gap <= 1.0:
        return None if is_on_or_in(scene, a, b) else True
    return False if gap >= 2 * size else None


RELATIONS = {
    "Q01": (is_left, True),
    "Q02": (is_left, False),
    "Q03": (is_left, ("left", "right")),
    "Q04": (is_above, True),
    "Q05": (is_above, False),
    "Q06": (is_above, ("higher", "lower")),
    "Q07": (is_in_front, True),
    "Q08": (is_in_front, False),
    "Q09": (is_closer, ("closer", "farther")),
    "Q10": (is_wider, True),
    "Q11": (is_wider, False),
    "Q12": (is_wider, ("wider", "narrower")),
    "Q13": (is_taller, True),
    "Q14": (is_taller, False),
    "Q15": (is_taller, ("taller", "shorter")),
    "Q16": (is_bigger, True),
    "Q17": (is_bigger, False),
    "Q18": (is_bigger, ("bigger", "smaller")),
    "Q19": (is_close, True),
}


def predicate(type_id: str, scene: Row, a: Row, b: Row) -> bool | None:
    """Return the truth of a yes/no type for A, B as asked."""
    relation, polarity = RELATIONS[type_id]
    decided = relation(scene, a, b)
    return None if decided is None else decided == polarity


def chosen_id(type_id: str, side: str, scene: Row, a: Row, b: Row) -> int | None:
    """Return the object that `side` is true of, for a choice type."""
    relation, words = RELATIONS[type_id]
    decided = relation(scene, a, b)
    if decided is None or side not in words:
        return None
    return (a if decided == (side == words[0]) else b)["object_id"]
