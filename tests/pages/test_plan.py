"""The floor plan's geometry."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.views.pages.plan import floor_plan
from tests.pages.room import Block, Room, view_of
from tests.pages.small_lake import rooms, small_rows


def points(path: str) -> np.ndarray:
    """Return an SVG path's corners."""
    return np.array([float(number) for number in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)


def test_distances_on_the_plan_are_to_scale():
    scene = small_rows()["scenes"][0]
    plan = floor_plan(scene["objects"], view_of(rooms()[0]))
    assert plan is not None
    units_per_m = plan.step / plan.step_m
    for shape, item in zip(plan.shapes, scene["objects"], strict=True):
        forward, left = item["center_m"][:2]
        assert shape.anchor[0] - plan.camera[0] == pytest.approx(-left * units_per_m, abs=0.01)
        assert shape.anchor[1] - plan.camera[1] == pytest.approx(-forward * units_per_m, abs=0.01)
        foot = np.array(item["foot_m"]).reshape(-1, 2)
        drawn = points(shape.footprint)
        assert np.linalg.norm(drawn[0] - drawn[1]) == pytest.approx(
            np.linalg.norm(foot[0] - foot[1]) * units_per_m, abs=0.2
        )
    assert all(0 < shape.anchor[0] < plan.width and 0 < shape.anchor[1] < plan.height for shape in plan.shapes)
    assert np.diff(plan.columns) == pytest.approx(-plan.step)


@given(pitch=st.floats(-1.2, 1.55), x=st.floats(0.3, 60), y=st.floats(-30, 30), size=st.floats(0.01, 5))
def test_any_scene_has_a_plan_that_holds_camera_and_objects(pitch, x, y, size):
    block = Block(1, "box", "box", (x, y, size / 2), (size, size, size))
    item = dict(small_rows()["scenes"][0]["objects"][0], center_m=list(block.center))
    item["foot_m"] = block.corners[:4, :2].ravel().tolist()
    item["yaw_box_m"] = [x, y, size, size]
    plan = floor_plan([item], view_of(Room((block,), pitch_rad=pitch)))
    assert plan is not None
    every = np.vstack([points(plan.shapes[0].footprint), plan.camera])
    assert (every >= -0.1).all() and (every <= np.array([plan.width, plan.height]) + 0.1).all()
    assert 1 <= len(plan.rows) + len(plan.columns) <= 40
    assert np.isfinite(points(plan.cone)).all()


def test_what_the_image_shows_lies_in_the_view_cone():
    room = rooms()[0]
    plan = floor_plan(small_rows()["scenes"][0]["objects"], view_of(room))
    assert plan is not None
    cone = points(plan.cone)
    edges = list(zip(cone, np.roll(cone, -1, axis=0), strict=True))
    for shape in plan.shapes:
        turns = [np.cross([*(b - a), 0], [*(np.array(shape.anchor) - a), 0])[2] for a, b in edges]
        assert all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)


def test_no_objects_no_plan():
    assert floor_plan([], view_of(rooms()[0])) is None
