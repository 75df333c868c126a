"""Surfaces and openings: walls, tops and doorways, by the rendered room."""

import numpy as np

from scenes.doorways import doorways_in
from scenes.truth.measure import ExactScene
from scenes.truth.verdict import Row, Verdict, number_verdict

_TOWARD = {"the back wall": (1.0, 0.0), "the left wall": (0.0, 1.0), "the right wall": (0.0, -1.0)}


def _to_wall(row: Row, scene: ExactScene) -> Verdict:
    box = scene.objects[row["object_ids"][0]].box
    if box is None:
        return Verdict(None, None)
    return _wall_verdict(row, scene, np.column_stack([box.foot, np.full(len(box.foot), box.bottom)]))


def _camera_to_wall(row: Row, scene: ExactScene) -> Verdict:
    return _wall_verdict(row, scene, np.array([[0.0, 0.0, scene.camera_height]]))


def _wall_verdict(row: Row, scene: ExactScene, points: np.ndarray) -> Verdict:
    if scene.room is None:
        return Verdict(None, None)
    toward = np.asarray(_TOWARD[row["places"][0]])
    return number_verdict(row, scene.room.wall_distance_m(points, toward))


def _top(row: Row, scene: ExactScene) -> Verdict:
    box = scene.objects[row["object_ids"][0]].box
    return Verdict(None, None) if box is None else number_verdict(row, box.top)


def _doorway_m(scene: ExactScene) -> float | None:
    doorways = doorways_in(scene.row)
    return doorways[0].width_m if len(doorways) == 1 else None


def _doorway(row: Row, scene: ExactScene) -> Verdict:
    width_m = _doorway_m(scene)
    # a room without a doorway has none to ask about
    return Verdict(False, None, float("inf")) if width_m is None else number_verdict(row, width_m)


def _through(row: Row, scene: ExactScene) -> Verdict:
    width_m = _doorway_m(scene)
    truth = width_m is not None and width_m >= row["asked_m"]
    return Verdict(width_m is not None and row["answer_bool"] == truth, truth)


ORACLES = {"S01": _to_wall, "S02": _top, "S03": _doorway, "S04": _through, "S05": _camera_to_wall}
