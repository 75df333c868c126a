"""Questions without an answer: whether what they claim is false, sizes are alike, names are shared, things cut off."""

import numpy as np

from scenes.truth.measure import ExactObject, ExactScene
from scenes.truth.verdict import Row, Verdict


def _claim(word: str, a: ExactObject, b: ExactObject) -> bool:
    """Return whether what is said of A and B is true."""
    if word in ("left", "right"):
        return (a.center[1] > b.center[1]) == (word == "left")
    if word in ("higher", "lower"):
        return (a.center[2] > b.center[2]) == (word == "higher")
    if word in ("closer", "farther"):
        return (a.range < b.range) == (word == "closer")
    index, more = {"taller": (2, True), "shorter": (2, False), "wider": (1, True), "narrower": (1, False)}[word]
    return (a.size[index] > b.size[index]) == more


def _false_claim(row: Row, scene: ExactScene) -> Verdict:
    a, b = (scene.objects[one] for one in row["object_ids"])
    truth = bool(_claim(row["side"], a, b))
    return Verdict(not truth, truth)


def _tie(row: Row, scene: ExactScene) -> Verdict:
    index = 2 if row["side"] == "height" else 1
    a, b = (float(scene.objects[one].size[index]) for one in row["object_ids"])
    # a difference that people see is 15 % or 3 cm
    return Verdict(abs(a - b) <= max(0.03, 0.15 * max(a, b)), abs(a - b))


def _ambiguous(row: Row, scene: ExactScene) -> Verdict:
    labels = {scene.objects[one].label for one in row["object_ids"]}
    return Verdict(len(labels) == 1 and len(set(row["object_ids"])) > 1, str(labels))


def _cut_off(row: Row, scene: ExactScene) -> Verdict:
    (one,) = row["object_ids"]
    edges = np.concatenate([scene.labels[0], scene.labels[-1], scene.labels[:, 0], scene.labels[:, -1]])
    truth = bool(np.any(edges == one))
    return Verdict(truth, truth)


ORACLES = {"U02": _ambiguous, "U03": _false_claim, "U04": _tie, "U05": _cut_off}
