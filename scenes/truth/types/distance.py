"""Distances between two objects: closest points, centers, horizontal, vertical, clearance, closeness."""

import numpy as np

from scenes.truth.measure import ExactScene
from scenes.truth.verdict import Row, Verdict, distance, number_verdict


def _centers(scene: ExactScene, a: int, b: int) -> float:
    return float(np.linalg.norm(scene.objects[a].center - scene.objects[b].center))


def _horizontal(scene: ExactScene, a: int, b: int) -> float:
    return float(np.linalg.norm((scene.objects[a].center - scene.objects[b].center)[:2]))


def _vertical(row: Row, scene: ExactScene) -> Verdict:
    a, b = (scene.objects[number] for number in row["object_ids"])
    gap = float(max(a.lo[2] - b.hi[2], b.lo[2] - a.hi[2]))
    if "gap" in (row["distance_kind"], row["question_template"].split(".")[1]):
        return number_verdict(row, gap, gap > 0)
    return number_verdict(row, abs(float(a.center[2]) - float(b.center[2])))


def _near(row: Row, scene: ExactScene) -> Verdict:
    a, b = row["object_ids"]
    size = max(scene.objects[number].volume ** (1 / 3) for number in (a, b))
    gap = scene.gap(a, b)
    # near is at most 0.5 sizes and 1 m, far at least 2 sizes; the sign changes at their geometric mean
    truth = gap < size and (gap <= 1.0 or not row["answer_bool"])
    return Verdict(row["answer_bool"] == truth, gap / size)


ORACLES = {
    "N01": distance(ExactScene.gap),
    "N02": distance(_centers),
    "N03": distance(_horizontal),
    "N04": _vertical,
    "N19": distance(ExactScene.clearance),
    "Q19": _near,
}
