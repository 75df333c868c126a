"""Verdicts: is an emitted answer right by exact geometry?

`check(row, scene)` works on the columns of `qa_pairs` alone. Qualitative answers are right when the sign of the type's
predicate agrees, without any margin; numbers carry their relative error, and are right when their side word is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenes.truth.measure import ExactObject, ExactScene, angle_deg

Row = Mapping[str, Any]
REST_M = 0.05  # an object that "rests" may show its lowest 2 % this far above the support
STAND_M = 0.02  # or its amodal box may stand on it


@dataclass(frozen=True)
class Verdict:
    """`right` is None where exact geometry cannot tell; `relative_error` is None for answers without a number."""

    right: bool | None
    truth: float | int | bool | str | None
    relative_error: float | None = None


def _left(o: ExactObject) -> float:
    return float(o.centre[1])


def _up(o: ExactObject) -> float:
    return float(o.centre[2])


def _wide(o: ExactObject) -> float:
    return float(o.size[1])


def _tall(o: ExactObject) -> float:
    return float(o.size[2])


def _big(o: ExactObject) -> float:
    return o.volume


def _zc(o: ExactObject) -> float:
    return o.depth


def _range(o: ExactObject) -> float:
    return o.range


Measure = Callable[[ExactObject], float]

# type -> what is compared, and whether A must have more of it for "yes"
_PREDICATES: dict[str, tuple[Measure, bool]] = {
    "Q01": (_left, True),
    "Q02": (_left, False),
    "Q04": (_up, True),
    "Q05": (_up, False),
    "Q07": (_zc, False),
    "Q08": (_zc, True),
    "Q10": (_wide, True),
    "Q11": (_wide, False),
    "Q13": (_tall, True),
    "Q14": (_tall, False),
    "Q16": (_big, True),
    "Q17": (_big, False),
}
_CHOICES: dict[str, tuple[Measure, str, str]] = {  # measure, word for more, word for less
    "Q03": (_left, "left", "right"),
    "Q06": (_up, "higher", "lower"),
    "Q09": (_range, "farther", "closer"),
    "Q12": (_wide, "wider", "narrower"),
    "Q15": (_tall, "taller", "shorter"),
    "Q18": (_big, "bigger", "smaller"),
}
_SIDED: dict[str, tuple[Measure, str, str]] = {
    "N05": (_left, "left", "right"),
    "N06": (_zc, "behind", "front"),
    "N07": (_up, "higher", "lower"),
    "N11": (_wide, "wider", "narrower"),
    "N12": (_tall, "taller", "shorter"),
    "N14": (_range, "farther", "closer"),
}
_SINGLE: dict[str, Measure] = {
    "N08": _wide,
    "N09": _tall,
    "N10": lambda o: float(o.size[4]),
    "N13": _range,
}
_PAIR: dict[str, Callable[[ExactScene, int, int], float]] = {
    "N01": lambda s, a, b: s.gap(a, b),
    "N02": lambda s, a, b: float(np.linalg.norm(s.objects[a].centre - s.objects[b].centre)),
    "N03": lambda s, a, b: float(np.linalg.norm((s.objects[a].centre - s.objects[b].centre)[:2])),
    "N19": lambda s, a, b: s.clearance(a, b),
}


def check(row: Row, scene: ExactScene) -> Verdict:
    """Return the verdict on one `qa_pairs` row.

    Raises KeyError for an object that the scene lacks, ValueError for a type or a column that has no definition.
    """
    kind, ids = row["type_id"], list(row["object_ids"])
    if kind in _PREDICATES:
        measure, more = _PREDICATES[kind]
        a, b = (measure(scene.objects[i]) for i in ids)
        truth = (a > b) == more
        return Verdict(row["answer_bool"] == truth, truth)
    if kind in _CHOICES:
        return _choice(row, scene, *_CHOICES[kind])
    if kind in _SIDED:
        return _sided(row, scene, *_SIDED[kind])
    if kind in _SINGLE:
        return _number(row, _SINGLE[kind](scene.objects[ids[0]]))
    if kind in _PAIR:
        return _number(row, _PAIR[kind](scene, ids[0], ids[1]))
    if kind in _SPECIAL:
        return _SPECIAL[kind](row, scene)
    raise ValueError(f"Type {kind} has no exact definition here; use Q01 .. Q19 or N01 .. N19.")


def _choice(row: Row, scene: ExactScene, measure: Measure, more: str, less: str) -> Verdict:
    a, b = row["object_ids"]
    if row["side"] not in (more, less):
        raise ValueError(f"{row['type_id']} has side {row['side']!r}; it must be {more!r} or {less!r}.")
    a_has_more = measure(scene.objects[a]) > measure(scene.objects[b])
    truth = a if a_has_more == (row["side"] == more) else b
    return Verdict(row["answer_object_id"] == truth, truth)


def _sided(row: Row, scene: ExactScene, measure: Measure, more: str, less: str) -> Verdict:
    a, b = (measure(scene.objects[i]) for i in row["object_ids"])
    return _number(row, abs(a - b), row["side"] == (more if a > b else less))


def _number(row: Row, truth: float, right: bool = True) -> Verdict:
    error = abs(row["value_si"] - truth) / truth if truth > 1e-6 else float("inf")
    return Verdict(right, truth, error)


def _near(row: Row, scene: ExactScene) -> Verdict:
    a, b = row["object_ids"]
    size = max(scene.objects[i].volume ** (1 / 3) for i in (a, b))
    gap = scene.gap(a, b)
    # near is at most 0.5 sizes and 1 m, far at least 2 sizes; the sign changes at their geometric mean
    truth = gap < size and (gap <= 1.0 or not row["answer_bool"])
    return Verdict(row["answer_bool"] == truth, gap / size)


def _vertical(row: Row, scene: ExactScene) -> Verdict:
    a, b = (scene.objects[i] for i in row["object_ids"])
    gap = float(max(a.lo[2] - b.hi[2], b.lo[2] - a.hi[2]))
    if "gap" in (row["distance_kind"], _variant(row)):
        return _number(row, gap, gap > 0)
    return _number(row, abs(_up(a) - _up(b)))


def _floor_height(row: Row, scene: ExactScene) -> Verdict:
    item = scene.objects[row["object_ids"][0]]
    supports = [0.0] if "floor" in row["question"] else scene.surfaces()
    if not scene.floor or not supports:
        return Verdict(None, None)
    height = float(item.hi[2] if row["type_id"] == "N16" else item.lo[2])
    # the row does not say which table; the surface that it fits best is taken
    above = min((height - support for support in supports), key=lambda h: abs(h - row["value_si"]))
    if "rests" in row["answer_template"]:
        stands = item.box is not None and min(abs(item.box.bottom - support) for support in supports) <= STAND_M
        return Verdict(stands or abs(above) <= REST_M, above)
    return _number(row, above)


def _bearing(row: Row, scene: ExactScene) -> Verdict:
    centre = scene.objects[row["object_ids"][0]].centre
    right = float(np.arctan2(-centre[1], centre[0]))
    if row["side"] not in ("left", "right"):
        return Verdict(abs(right) < np.deg2rad(6), right)
    return _number(row, abs(right), (row["side"] == "right") == (right > 0))


def _ratio(row: Row, scene: ExactScene) -> Verdict:
    word = row["side"] or _variant(row)
    measure = _tall if word in ("taller", "shorter") else _wide
    a, b = (measure(scene.objects[i]) for i in row["object_ids"])
    return _number(row, max(a / b, b / a), (a > b) == (word in ("taller", "wider")))


def _variant(row: Row) -> str:
    return row["question_template"].split(".")[1]


_SPECIAL: dict[str, Callable[[Row, ExactScene], Verdict]] = {
    "Q19": _near,
    "N04": _vertical,
    "N15": _floor_height,
    "N16": _floor_height,
    "N17": _bearing,
    "N18": _ratio,
}


def gravity_error_deg(scene_row: Row, manifest_row: Row) -> float | None:
    """Return the angle in degrees between a `scenes` row's gravity and the exact one; None when it has none."""
    if scene_row["gravity_c"] is None or scene_row["gravity_src"] == "none":
        return None
    return angle_deg(scene_row["gravity_c"], manifest_row["gravity"])
