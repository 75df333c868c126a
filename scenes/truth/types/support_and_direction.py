"""Heights above the support, and the direction from the camera."""

import numpy as np

from scenes.truth.measure import ExactObject, ExactScene
from scenes.truth.verdict import Measure, Oracle, Row, Verdict, number_verdict

_REST_M = 0.05  # an object that "rests" may show its lowest 2 % this far above the support
_STAND_M = 0.02  # or its amodal box may stand on it
_AHEAD_DEG = 6.0


def _height_above_support(height_of: Measure) -> Oracle:
    def judge(row: Row, scene: ExactScene) -> Verdict:
        item = scene.objects[row["object_ids"][0]]
        supports = [0.0] if "floor" in row["question"] else scene.surfaces()
        if not scene.floor or not supports:
            return Verdict(None, None)
        height = height_of(item)
        # the row does not say which table; the surface that fits best is taken
        above = min((height - support for support in supports), key=lambda h: abs(h - row["value_si"]))
        if "rests" not in row["answer_template"]:
            return number_verdict(row, above)
        stands = item.box is not None and min(abs(item.box.bottom - support) for support in supports) <= _STAND_M
        return Verdict(stands or abs(above) <= _REST_M, above)

    return judge


def _bottom(o: ExactObject) -> float:
    return float(o.lo[2])


def _top(o: ExactObject) -> float:
    return float(o.hi[2])


def _direction(row: Row, scene: ExactScene) -> Verdict:
    center = scene.objects[row["object_ids"][0]].center
    right = float(np.arctan2(-center[1], center[0]))
    if row["side"] not in ("left", "right"):
        return Verdict(abs(right) < np.deg2rad(_AHEAD_DEG), right)
    return number_verdict(row, abs(right), (row["side"] == "right") == (right > 0))


ORACLES = {"N15": _height_above_support(_bottom), "N16": _height_above_support(_top), "N17": _direction}
