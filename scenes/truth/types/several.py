"""Several objects: superlatives, orders, nearest and farthest, counts, conditions, between, triangles and scaling."""

import math
from collections.abc import Callable

import numpy as np

from scenes.truth.measure import ExactObject, ExactScene
from scenes.truth.verdict import Measure, Oracle, Row, Verdict, number_verdict


def _left(o: ExactObject) -> float:
    return float(o.center[1])


def _up(o: ExactObject) -> float:
    return float(o.center[2])


def _range(o: ExactObject) -> float:
    return o.range


def _wide(o: ExactObject) -> float:
    return float(o.size[1])


def _tall(o: ExactObject) -> float:
    return float(o.size[2])


def _big(o: ExactObject) -> float:
    return o.volume


def _superlative(measure: Measure, most: str, least: str) -> Oracle:
    """Return the oracle of which object has most, or least, of a measure."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        ids = list(row["object_ids"])
        if row["side"] not in (most, least):
            raise ValueError(f"{row['type_id']} has side {row['side']!r}; it must be {most!r} or {least!r}.")
        pick = max if row["side"] == most else min
        truth = pick(ids, key=lambda one: measure(scene.objects[one]))
        return Verdict(row["answer_object_id"] == truth, truth)

    return judge


def _order(measure: Measure, falling: str) -> Oracle:
    """Return the oracle of an order by a measure; the side `falling` begins with the most of it."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        ids = list(row["object_ids"])
        truth = sorted(ids, key=lambda one: measure(scene.objects[one]), reverse=row["side"] == falling)
        return Verdict(list(row["answer_object_ids"]) == truth, str(truth))

    return judge


def _nearest(pick: Callable[..., int]) -> Oracle:
    def judge(row: Row, scene: ExactScene) -> Verdict:
        a, *others = row["object_ids"]
        truth = pick(others, key=lambda one: scene.gap(a, one))
        return Verdict(row["answer_object_id"] == truth, truth)

    return judge


# by word: the measure, and whether A must have less of it than the object
_WHERE: dict[str, tuple[Measure, bool]] = {
    "left": (_left, True),
    "right": (_left, False),
    "closer": (_range, False),
    "farther": (_range, True),
    "higher": (_up, True),
    "lower": (_up, False),
    "taller": (_tall, True),
    "shorter": (_tall, False),
    "wider": (_wide, True),
    "narrower": (_wide, False),
}


def _holds(word: str, scene: ExactScene, one: int, a: int) -> bool:
    measure, more = _WHERE[word]
    return (measure(scene.objects[one]) > measure(scene.objects[a])) == more


def _count(row: Row, scene: ExactScene) -> Verdict:
    a, *others = row["object_ids"]
    truth = sum(_holds(row["side"], scene, one, a) for one in others)
    return Verdict(True, truth, 0.0 if row["value_si"] == truth else float("inf"))


def _conditions(row: Row, scene: ExactScene) -> Verdict:
    a, *others = row["object_ids"]
    words = row["side"].split(" and ")
    truth = [one for one in others if all(_holds(word, scene, one, a) for word in words)]
    return Verdict([row["answer_object_id"]] == truth, str(truth))


def _between(row: Row, scene: ExactScene) -> Verdict:
    a, b, c = (scene.objects[one].center[:2] for one in row["object_ids"])
    line = c - b
    share = float((a - b) @ line / (line @ line))
    off = float(np.linalg.norm(a - b - share * line) / np.linalg.norm(line))
    # yes is off by at most 0.25, no by at least 0.6: the sign changes in the middle
    truth = 0.0 < share < 1.0 and off < 0.425
    return Verdict(row["answer_bool"] == truth, truth)


def _sides(row: Row, scene: ExactScene) -> tuple[float, float, float]:
    a, b, c = (scene.objects[one].center for one in row["object_ids"])
    ab, ac, bc = (float(np.linalg.norm(p - q)) for p, q in ((a, b), (a, c), (b, c)))
    return ab, ac, bc


def _twice(row: Row, scene: ExactScene) -> Verdict:
    ab, ac, _ = _sides(row, scene)
    return Verdict(row["answer_bool"] == (ab > 2 * ac), ab > 2 * ac)


def _triangle(row: Row, scene: ExactScene) -> Verdict:
    short, middle, long = sorted(_sides(row, scene))
    # equal is within 10 %, different by 20 %: the sign changes in the middle
    alike = [middle / short < 1.15, long / middle < 1.15]
    truth = "equilateral" if long / short < 1.15 else "isosceles" if any(alike) else "scalene"
    return Verdict(row["side"] == truth, truth)


def _angle(row: Row, scene: ExactScene) -> Verdict:
    a, b, c = (scene.objects[one].center for one in row["object_ids"])
    u, v = a - b, c - b
    return number_verdict(row, math.atan2(float(np.linalg.norm(np.cross(u, v))), float(u @ v)))


def _times(row: Row, scene: ExactScene) -> Verdict:
    ab, ac, _ = _sides(row, scene)
    return number_verdict(row, ab / ac)


def _scaled(measure: Measure) -> Oracle:
    def judge(row: Row, scene: ExactScene) -> Verdict:
        a, b = (measure(scene.objects[one]) for one in row["object_ids"])
        return number_verdict(row, row["asked_m"] * b / a)

    return judge


ORACLES = {
    "M01": _nearest(min),
    "M02": _nearest(max),
    "M03": _order(_left, "left to right"),
    "M04": _order(_range, "far to near"),
    "M05": _order(_tall, "tall to short"),
    "M06": _count,
    "M08": _conditions,
    "M09": _twice,
    "M10": _triangle,
    "M11": _angle,
    "M13": _scaled(_tall),
    "M15": _superlative(_range, "farthest", "closest"),
    "M16": _superlative(_left, "leftmost", "rightmost"),
    "M17": _superlative(_up, "highest", "lowest"),
    "M18": _superlative(_tall, "tallest", "shortest"),
    "M19": _superlative(_wide, "widest", "narrowest"),
    "M20": _superlative(_big, "biggest", "smallest"),
    "M21": _order(_up, "high to low"),
    "M22": _order(_big, "big to small"),
    "M23": _order(_wide, "wide to narrow"),
    "M24": _times,
    "M25": _scaled(_wide),
    "X05": _between,
}
