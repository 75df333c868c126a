"""Invariants of lifted scenes on random analytic rooms."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.geometry.rooms import Ball, Block, Room, View, render, scenes_input
from tests.geometry.strategies import rooms, views
from udfs.geometry.frame import WorldFrame, rotation_of
from udfs.geometry.primitives import primitives
from udfs.stages.lift import LiftSettings, lift_row

LENGTHS = ("center_m", "lo_m", "hi_m")
FEW = settings(max_examples=12, deadline=None)


def lifted(room: Room, view: View, **changes: Any) -> dict[str, Any]:
    return lift_row(scenes_input(render(room, view), **changes), LiftSettings())


def scaled(room: Room, by: float) -> Room:
    def grown(shape: Block | Ball) -> Block | Ball:
        if isinstance(shape, Ball):
            return Ball(shape.x * by, shape.y * by, shape.z * by, shape.radius * by)
        size = (shape.size[0] * by, shape.size[1] * by, shape.size[2] * by)
        return Block(shape.x * by, shape.y * by, shape.z * by, size, shape.yaw)

    walls = tuple((nx, ny, offset * by) for nx, ny, offset in room.walls)
    return Room(tuple(grown(s) for s in room.shapes), room.floor, walls)


@FEW
@given(rooms(), views())
def test_scale(room: Room, view: View) -> None:
    one = lifted(room, view)
    two = lifted(scaled(room, 2.0), replace(view, eye=(0.0, 0.0, view.eye[2] * 2.0)))
    for a, b in zip(one["objects"], two["objects"], strict=True):
        for name in LENGTHS:
            assert np.allclose(np.multiply(a[name], 2.0), b[name], atol=0.012)
        assert 2.0 * a["range_m"] == pytest.approx(b["range_m"], abs=0.004)
    for a, b in zip(one["pairs"], two["pairs"], strict=True):
        # depth is stored in whole millimeters, so a grazing face is not the same points twice
        assert 2.0 * a["gap_m"] == pytest.approx(b["gap_m"], abs=max(0.02, 0.05 * b["gap_m"]))


@FEW
@given(rooms(), views())
def test_mirror(room: Room, view: View) -> None:
    view = replace(view, roll=0.0)

    def flipped(shape: Block | Ball) -> Block | Ball:
        return replace(shape, y=-shape.y, **({} if isinstance(shape, Ball) else {"yaw": -shape.yaw}))

    one, two = lifted(room, view), lifted(replace(room, shapes=tuple(map(flipped, room.shapes))), view)
    for a, b in zip(one["objects"], two["objects"], strict=True):
        assert np.allclose(a["center_m"], np.multiply(b["center_m"], [1, -1, 1]), atol=0.006)
        assert a["range_m"] == pytest.approx(b["range_m"], abs=0.003)
        assert a["hi_m"][1] == pytest.approx(-b["lo_m"][1], abs=0.008)
    for a, b in zip(one["pairs"], two["pairs"], strict=True):
        assert a["gap_m"] == pytest.approx(b["gap_m"], abs=0.02)
        assert a["clearance_m"] == pytest.approx(b["clearance_m"], abs=0.03)


@FEW
@given(rooms(), views())
def test_gap_is_within_centers_and_extents(room: Room, view: View) -> None:
    scene = lifted(room, view)
    objects = {o["object_id"]: o for o in scene["objects"]}
    for pair in scene["pairs"]:
        a, b = objects[pair["a"]], objects[pair["b"]]
        apart = np.linalg.norm(np.subtract(a["center_m"], b["center_m"]))
        reach = sum(np.linalg.norm(np.subtract(o["hi_m"], o["lo_m"])) for o in (a, b))
        assert apart - reach <= pair["gap_m"] <= apart + 1e-6
        assert pair["clearance_m"] >= 0.0
        assert (pair["foot_overlap_m2"] > 0) <= (pair["clearance_m"] == 0.0)


@FEW
@given(rooms(), views())
def test_order_of_regions_changes_nothing(room: Room, view: View) -> None:
    row = scenes_input(render(room, view))
    turned = {**row, "regions": row["regions"][::-1]}
    assert lift_row(row, LiftSettings()) == lift_row(turned, LiftSettings())


def test_pitch_and_roll_change_nothing() -> None:
    """The same surface seen by a camera turned about its center: W is the same to rounding."""
    rng = np.random.default_rng(3)
    points = np.column_stack([rng.uniform(-0.3, 0.3, 900), rng.uniform(-0.2, 0.2, 900), rng.uniform(2.0, 2.4, 900)])
    found = []
    for pitch, roll in ((0.0, 0.0), (0.3, 0.1), (0.7, -0.2)):
        turn = View(pitch=pitch, roll=roll).rotation
        level = View(pitch=0.0, roll=0.0).rotation
        in_camera = points @ level.T @ turn
        frame = WorldFrame(rotation_of(turn.T @ [0.0, 0.0, 1.0]), 1.2)
        shape = primitives(in_camera, frame.points(in_camera))
        found.append([*shape.lo, *shape.center, *shape.hi, shape.range, shape.box.long_m, shape.box.short_m])
    assert np.allclose(found[0], found[1], atol=1e-6)
    assert np.allclose(found[0], found[2], atol=1e-6)


@FEW
@given(rooms(), views())
def test_roll_of_the_whole_camera(room: Room, view: View) -> None:
    """Through masks and depth, where other surface points are sampled, W still agrees within a pixel or two."""
    one, two = lifted(room, replace(view, roll=0.0)), lifted(room, replace(view, roll=0.12))
    matched = {o["object_id"]: o for o in two["objects"]}
    for a in one["objects"]:
        b = matched.get(a["object_id"])
        if b is None or a["truncated"] or b["truncated"]:
            continue
        assert np.allclose(a["center_m"], b["center_m"], atol=0.025)
        assert a["hi_m"][2] == pytest.approx(b["hi_m"][2], abs=0.02)
        assert a["range_m"] == pytest.approx(b["range_m"], abs=0.01)
