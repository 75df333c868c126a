"""Supports and gravity on analytic rooms: floor detection and the up direction."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.geometry.rooms import Block, Room, View, noisy, render, scenes_input
from tests.geometry.strategies import rooms, views
from udfs.stages.lift import LiftSettings, lift_row

THINGS = (Block(2.2, -0.4, 0.0, (0.4, 0.4, 0.7), 0.3), Block(2.8, 0.6, 0.0, (0.5, 0.3, 0.4), 1.0))
WALLS = ((1.0, 0.0, 4.0), (0.0, 1.0, 1.8))


def lifted(room: Room, view: View, gravity: bool = True) -> dict[str, Any]:
    return lift_row(scenes_input(render(room, view), gravity), LiftSettings())


def gravity_error_deg(scene: dict[str, Any], view: View) -> float:
    return float(np.rad2deg(np.arccos(np.clip(np.dot(scene["gravity_c"], view.down_c), -1, 1))))


@pytest.mark.parametrize("pitch", [-0.3, -0.1, 0.0, 0.15])
@pytest.mark.parametrize("known", [True, False])
def test_a_wall_is_never_the_floor(pitch: float, known: bool) -> None:
    """A wall alone, with a shelf board and an image on it."""
    shapes = (Block(2.9, 0.3, 1.5, (0.06, 0.5, 0.4)), Block(2.8, -0.5, 1.4, (0.3, 0.4, 0.25)))
    view = View(eye=(0.0, 0.0, 1.6), pitch=pitch, focal=500.0)
    scene = lifted(Room(shapes, floor=False, walls=((1.0, 0.0, 3.0),)), view, known)
    assert scene["has_plane"] != "floor"
    if not known and scene["gravity_c"] is not None:
        assert gravity_error_deg(scene, view) < 2.0 or scene["gravity_sigma_deg"] > 5.0


def test_a_table_top_is_never_the_floor() -> None:
    table = Block(1.6, 0.0, 0.70, (1.0, 1.4, 0.04))
    things = (Block(1.5, -0.2, 0.74, (0.1, 0.1, 0.2)), Block(1.6, 0.25, 0.74, (0.2, 0.15, 0.1)))
    room = Room(things, scenery=(table,), walls=WALLS)
    scene = lifted(room, View(eye=(0.0, 0.0, 1.3), pitch=0.5))
    assert scene["has_plane"] == "floor"
    assert scene["world_from_camera"][11] == pytest.approx(1.3, abs=0.005)
    tops = [p for p in scene["planes"] if p["kind"] == "table"]
    assert [p["height_m"] for p in tops] == pytest.approx([0.74], abs=0.005)
    assert all(o["support_plane_id"] == tops[0]["plane_id"] for o in scene["objects"])


def test_a_table_over_a_hidden_floor_is_a_table() -> None:
    """Only a strip of wall below the table's edge shows that there is something beneath it."""
    table = Block(1.8, 0.0, 0.70, (1.6, 2.0, 0.04))
    things = (Block(1.7, -0.2, 0.74, (0.4, 0.4, 0.5)), Block(1.9, 0.45, 0.74, (0.5, 0.3, 0.3)))
    scene = lifted(Room(things, floor=False, scenery=(table,), walls=((1.0, 0.0, 4.5),)), View(pitch=0.3))
    assert scene["has_plane"] == "table"
    assert scene["world_from_camera"][11] == pytest.approx(1.5 - 0.74, abs=0.005)


def test_a_bare_table_seen_from_near_is_a_table() -> None:
    things = (Block(0.6, -0.1, 0.0, (0.06, 0.06, 0.19)), Block(0.7, 0.12, 0.0, (0.06, 0.16, 0.21), 0.4))
    scene = lifted(Room(things), View(eye=(0.0, 0.0, 0.45), pitch=0.7))
    assert scene["has_plane"] == "table"


def test_two_tables_are_two_supports() -> None:
    tables = (Block(2.0, -0.7, 0.42, (0.7, 0.9, 0.04)), Block(2.2, 0.7, 0.72, (0.7, 0.9, 0.04)))
    things = (Block(2.0, -0.7, 0.46, (0.2, 0.2, 0.2)), Block(2.2, 0.7, 0.76, (0.2, 0.2, 0.2)))
    scene = lifted(Room(things, scenery=tables, walls=WALLS), View(eye=(0.0, 0.0, 1.6), pitch=0.45))
    heights = [(p["kind"], round(p["height_m"], 2)) for p in scene["planes"]]
    assert heights == [("floor", 0.0), ("table", 0.46), ("table", 0.76)]
    assert [o["support_plane_id"] for o in scene["objects"]] == [1, 2]
    for plane in scene["planes"]:
        up = -np.array(View(eye=(0.0, 0.0, 1.6), pitch=0.45).down_c)
        assert np.dot(plane["normal_c"], up) > 0.9999
        assert plane["offset_m"] == pytest.approx(1.6 - plane["height_m"], abs=0.005)


def test_visible_area() -> None:
    """A fully visible table top has its true area."""
    table = Block(2.0, 0.0, 0.5, (0.8, 1.2, 0.04))
    view = View(eye=(0.0, 0.0, 1.5), pitch=0.5, width=640, height=480, focal=500.0)
    scene = lifted(Room((Block(1.7, 0.0, 0.54, (0.1, 0.1, 0.1)),), scenery=(table,)), view)
    top = next(p for p in scene["planes"] if abs(p["height_m"] - 0.54) < 0.01)
    assert top["area_m2"] == pytest.approx(0.96, rel=0.2)


@settings(max_examples=15, deadline=None)
@given(rooms(), views())
def test_gravity_from_surfaces(room: Room, view: View) -> None:
    scene = lifted(room, view, gravity=False)
    assert scene["gravity_src"] == "plane"
    assert gravity_error_deg(scene, view) < 1.0
    assert scene["gravity_sigma_deg"] <= 5.0
    assert scene["world_from_camera"][11] == pytest.approx(view.eye[2], rel=0.02)


@pytest.mark.parametrize("pitch", [0.15, 0.4, 0.8])
def test_gravity_under_noise(pitch: float) -> None:
    view = View(eye=(0.0, 0.0, 1.4), pitch=pitch, roll=0.1, width=640, height=480, focal=500.0)
    rendered = noisy(render(Room(THINGS, walls=WALLS), view), 0.02, 3, 7)
    scene = lift_row(scenes_input(rendered, gravity=False), LiftSettings())
    assert gravity_error_deg(scene, view) < 2.0


def test_known_gravity_is_used_as_it_is() -> None:
    view = View(pitch=0.4)
    row = scenes_input(render(Room(THINGS), view))
    row.update(gravity=[2.0 * g for g in view.down_c], gravity_src="imu", gravity_sigma_deg=1.5)
    scene = lift_row(row, LiftSettings())
    assert np.allclose(scene["gravity_c"], view.down_c)
    assert (scene["gravity_src"], scene["gravity_sigma_deg"]) == ("imu", 1.5)


def test_without_gravity_w_is_the_camera() -> None:
    wall = Room((Block(2.0, 0.0, 1.4, (0.1, 0.4, 0.4)),), floor=False, walls=((1.0, 0.0, 2.5),))
    scene = lifted(wall, View(pitch=0.0), gravity=False)
    assert scene["gravity_src"] == "none"
    assert scene["gravity_c"] is None and scene["gravity_sigma_deg"] is None
    assert scene["has_plane"] == "none" and scene["planes"] == []
    assert scene["objects"][0]["center_m"][0] == pytest.approx(1.95, abs=0.01)


def test_straight_down() -> None:
    view = replace(View(eye=(2.4, 0.0, 2.2)), pitch=np.pi / 2)
    scene = lifted(Room(THINGS), view)
    assert np.isfinite(scene["world_from_camera"]).all()
    assert scene["has_plane"] == "floor"
