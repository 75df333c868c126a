"""Heights from the surface that an object stands on, on analytic rooms."""

from typing import Any

import numpy as np
import pytest

from tests.geometry.rooms import Ball, Block, RenderedImage, Room, View, noisy, render, scenes_input
from udfs.stages.lift import LiftSettings, lift_row

NEAR = View(eye=(0.0, 0.0, 0.55), pitch=0.6, width=640, height=480, focal=600.0)
WALL = ((1.0, 0.0, 1.6),)


def lifted(room: Room, view: View = NEAR, **changes: Any) -> dict[int, dict[str, Any]]:
    return of(render(room, view), **changes)


def of(rendered: RenderedImage, **changes: Any) -> dict[int, dict[str, Any]]:
    scene = lift_row(scenes_input(rendered, **changes), LiftSettings())
    return {item["object_id"]: item for item in scene["objects"]}


def test_a_ball_is_as_tall_as_it_is_and_as_deep() -> None:
    """Its lower and its far half are not seen."""
    ball = lifted(Room((Ball(0.8, 0.0, 0.06, 0.06),)))[1]
    assert ball["size_source"] == "support"
    assert ball["size_m"][2] == pytest.approx(0.12, abs=0.004)
    assert np.mean(np.reshape(ball["corners_m"], (8, 3)), axis=0) == pytest.approx([0.8, 0.0, 0.06], abs=0.012)


def test_a_box_is_not_taken_for_a_cylinder() -> None:
    box = lifted(Room((Block(0.85, 0.0, 0.0, (0.12, 0.2, 0.1), 0.5),)))[1]
    assert np.mean(np.reshape(box["corners_m"], (8, 3)), axis=0) == pytest.approx([0.85, 0.0, 0.05], abs=0.012)
    assert box["size_m"][3:] == pytest.approx([0.2, 0.12], abs=0.015)


def test_what_hides_behind_a_neighbor_still_reaches_the_table() -> None:
    room = Room((Block(0.95, 0.0, 0.0, (0.08, 0.08, 0.2)), Block(0.8, 0.0, 0.0, (0.05, 0.3, 0.06))))
    tall = lifted(room)[1]
    assert tall["lo_m"][2] > 0.012
    assert (tall["size_source"], tall["size_m"][2]) == ("support", pytest.approx(0.2, abs=0.006))


def test_what_stands_on_a_box_ends_at_the_box() -> None:
    room = Room((Block(0.9, 0.0, 0.0, (0.25, 0.25, 0.1)), Block(0.9, 0.0, 0.1, (0.06, 0.06, 0.12))))
    assert lifted(room)[2]["size_m"][2] == pytest.approx(0.12, abs=0.005)


def test_what_hangs_on_a_wall_does_not_reach_the_floor() -> None:
    view = View(eye=(0.0, 0.0, 1.4), pitch=0.2, width=640, height=480, focal=500.0)
    picture = lifted(Room((Block(2.57, 0.0, 1.1, (0.04, 0.5, 0.4)),), walls=((1.0, 0.0, 2.6),)), view)[1]
    assert (picture["size_source"], picture["support_plane_id"]) == ("visible", None)
    assert picture["size_m"][2] == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_a_can_under_noise(seed: int) -> None:
    rendered = noisy(render(Room((Block(0.8, 0.05, 0.0, (0.07, 0.07, 0.033)),), walls=WALL), NEAR), 0.003, 2, seed)
    assert of(rendered)[1]["size_m"][2] == pytest.approx(0.033, abs=0.012)


def test_errors_are_small_where_all_is_seen_from_above() -> None:
    box = lifted(Room((Block(0.85, 0.0, 0.0, (0.12, 0.2, 0.1), 0.5),)))[1]
    assert box["size_ok"]
    assert box["height_sigma_m"] < 0.006
    assert box["box_sigma_m"] < 0.012


def test_the_depth_of_what_is_seen_from_the_front_alone_is_unknown() -> None:
    """A level view shows the height and the width; the same box from above shows all three."""
    room = Room((Block(1.5, 0.0, 0.0, (0.5, 0.3, 0.3)),), walls=WALL)
    level = View(eye=(0.0, 0.0, 0.3), pitch=0.1, width=640, height=480, focal=500.0)
    above = View(eye=(0.0, 0.0, 1.2), pitch=0.6, width=640, height=480, focal=500.0)
    front, whole = lifted(room, level)[1], lifted(room, above)[1]
    off_m = np.linalg.norm(np.mean(np.reshape(front["corners_m"], (8, 3)), axis=0) - [1.5, 0.0, 0.15])
    assert off_m > 0.1 and front["box_sigma_m"] > off_m / 2
    assert front["size_ok"] and front["height_sigma_m"] < 0.01
    assert whole["box_sigma_m"] < 0.03


def test_a_neck_without_depth_makes_the_height_uncertain() -> None:
    """Its mask reaches higher than what is measured."""
    rendered = render(Room((Block(0.85, 0.0, 0.0, (0.08, 0.08, 0.2)),), walls=WALL), NEAR)
    assert of(rendered)[1]["size_ok"]
    rows = np.flatnonzero(rendered.masks[1].any(axis=1))
    neck = rendered.masks[1].copy()
    neck[rows[0] + int(0.55 * len(rows)) :] = False
    rendered.z[neck] = np.inf
    found = of(rendered)[1]
    short_m = 0.2 - found["size_m"][2]
    assert short_m > 0.03
    assert found["height_sigma_m"] > short_m / 2
    assert not found["size_ok"]


def test_what_hangs_has_a_height_but_no_sure_lower_end_seen_from_above() -> None:
    """Nothing shows where it ends; seen level, both ends do."""
    ball = Room((Ball(1.0, 0.0, 0.6, 0.1),), floor=False, walls=((1.0, 0.0, 3.0),))
    level = View(eye=(0.0, 0.0, 0.6), pitch=0.0, width=640, height=480, focal=500.0)
    above = View(eye=(0.0, 0.0, 1.6), pitch=0.8, width=640, height=480, focal=500.0)
    one, other = lifted(ball, level)[1], lifted(ball, above)[1]
    # percentiles trim a ball by a tenth
    assert one["size_m"][2] == pytest.approx(0.2, abs=0.03)
    assert other["height_sigma_m"] > 4 * one["height_sigma_m"]
    assert not other["size_ok"]


def box_3d(center_m: tuple[float, ...], size_m: tuple[float, ...]) -> dict[str, list[float]]:
    """The struct of an upright box, as NEAR sees it, from its center and sides in W."""
    axes = NEAR.rotation.T
    center = axes @ (np.array(center_m) - NEAR.eye)
    return {"center": center.tolist(), "size": list(size_m), "rotation": axes.ravel().tolist()}


def test_the_crawls_own_box_has_no_error_of_ours() -> None:
    rendered = render(Room((Block(0.85, 0.0, 0.0, (0.12, 0.2, 0.1)),)), NEAR)
    row = scenes_input(rendered)
    row["regions"][0]["box_3d"] = box_3d((0.85, 0.0, 0.05), (0.12, 0.2, 0.1))
    (found,) = lift_row(row, LiftSettings())["objects"]
    assert found["size_source"] == "amodal" and found["size_ok"]
    assert (found["height_sigma_m"], found["box_sigma_m"]) == (None, None)


@pytest.mark.parametrize(("bottom_m", "plane_id"), [(0.0, 0), (0.1, None)])
def test_what_hides_behind_a_neighbor_rests_where_its_given_box_ends(bottom_m: float, plane_id: int | None) -> None:
    hidden = Block(0.95, 0.0, bottom_m, (0.08, 0.08, 0.3 - bottom_m))
    row = scenes_input(render(Room((hidden, Block(0.8, 0.0, 0.0, (0.05, 0.3, 0.14)))), NEAR))
    row["regions"][0]["box_3d"] = box_3d((0.95, 0.0, (0.3 + bottom_m) / 2), (0.08, 0.08, 0.3 - bottom_m))
    assert lift_row(row, LiftSettings())["objects"][0]["support_plane_id"] == plane_id
