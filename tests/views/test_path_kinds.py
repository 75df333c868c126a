"""Kinds of camera paths: a turn looks all around from one place, a watch keeps in sight what is moved."""

import numpy as np

from scenes.paths import PathSettings, camera_path


def test_a_turn_looks_all_around_from_one_place() -> None:
    path = camera_path(5, 0, PathSettings(80, 60, frames=12, kind="turn"))
    ahead = np.array([frame.camera.rotation[:2, 2] for frame in path.frames])
    yaw_deg = np.sort(np.rad2deg(np.arctan2(ahead[:, 1], ahead[:, 0])))
    assert np.diff(yaw_deg, append=yaw_deg[0] + 360.0).max() < 40.0
    assert np.ptp([frame.camera.position_m for frame in path.frames], axis=0).max() == 0.0
    assert path.kind == "turn" and path.moved_id is None


def test_a_watch_shows_one_place_while_something_is_moved() -> None:
    path = camera_path(5, 1, PathSettings(160, 120, kind="watch", moved=True))
    assert path.moved_id is not None
    before, after = (path.item(path.moved_id, k).position_m for k in (0, len(path.frames) - 1))
    assert np.linalg.norm(after - before) >= 0.25
    ahead = np.array([frame.camera.rotation[:, 2] for frame in path.frames])
    assert (ahead @ ahead.T).min() > np.cos(0.8)
