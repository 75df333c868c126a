"""Fused sequences: what must not matter does not, and what contradicts is found."""

import numpy as np
import pytest

from scenes.mesh import about_z
from tests.views.posed import PAN, in_other_world, path, views
from udfs.geometry.fused_base import Level, fused_base
from udfs.geometry.fusion import FusedScene, ViewsContradict, fuse


def assert_same(one: FusedScene, other: FusedScene, tolerance_m: float) -> None:
    assert [thing.label for thing in one.objects] == [thing.label for thing in other.objects]
    for a, b in zip(one.objects, other.objects, strict=True):
        assert a.shape.center == pytest.approx(b.shape.center, abs=tolerance_m)
        assert a.shape.size_m == pytest.approx(b.shape.size_m, abs=tolerance_m)
        assert a.shape.size_sigma_m == pytest.approx(b.shape.size_sigma_m, abs=tolerance_m)


def test_every_thing_is_one_instance() -> None:
    fused = fuse(views())
    ids = [{int(one["object_id"]) for one in thing.seen.values()} for thing in fused.objects]
    assert all(len(of_one) == 1 for of_one in ids)
    assert len({min(of_one) for of_one in ids}) == len(ids) > 8
    for thing in fused.objects:
        assert thing.label == path().item(min(int(one["object_id"]) for one in thing.seen.values())).label


def test_a_rigid_motion_of_the_world_changes_nothing() -> None:
    # Tilted, too: gravity, not the world's axes, says what is up.
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]) @ about_z(1.1)
    moved = [in_other_world(view, tilt, np.array([3.0, -20.0, 7.5])) for view in views()]
    assert_same(fuse(views()), fuse(moved), 1e-6)


def test_the_order_of_the_frames_changes_nothing() -> None:
    shuffled = [views()[k] for k in np.random.default_rng(3).permutation(len(views()))]
    assert_same(fuse(views()), fuse(shuffled), 1e-12)


def test_without_a_frame_things_stay_where_they_are_and_are_known_no_better() -> None:
    whole = {frozenset(int(one["object_id"]) for one in thing.seen.values()): thing for thing in fuse(views()).objects}
    fewer = fuse([view for view in views() if view.frame not in (2, 3)])
    compared = 0
    for thing in fewer.objects:
        same = whole.get(frozenset(int(one["object_id"]) for one in thing.seen.values()))
        if same is None or not (same.is_whole and thing.is_whole and len(thing.seen) >= 2):
            continue
        apart = float(np.linalg.norm(same.shape.center - thing.shape.center))
        assert apart <= 3 * thing.shape.center_sigma_m + 0.03
        compared += 1
    assert compared >= 2
    one_view = np.mean([thing.shape.center_sigma_m for thing in fuse(views()[:2]).objects])
    assert np.mean([thing.shape.center_sigma_m for thing in whole.values()]) < one_view


@pytest.mark.parametrize("shift", [(0.4, 0.0, 0.0), (0.0, 0.0, 0.4)])
def test_a_frame_with_a_wrong_pose_is_left_out_with_the_reason(shift: tuple[float, float, float]) -> None:
    wrong = [in_other_world(view, np.eye(3), np.array(shift)) if view.frame == 3 else view for view in views()]
    fused = fuse(wrong)
    assert set(fused.left_out) == {3}
    assert "see through" in fused.left_out[3]
    assert [view.frame for view in fused.views] == [0, 1, 2, 4, 5]


def test_a_tilted_pose_is_found_by_gravity() -> None:
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(0.2), -np.sin(0.2)], [0.0, np.sin(0.2), np.cos(0.2)]])
    wrong = [in_other_world(view, tilt, np.zeros(3)) if view.frame == 1 else view for view in views()]
    assert "tilts gravity by 11 degrees" in fuse(wrong).left_out[1]


def test_frames_of_which_none_agree_are_refused() -> None:
    rng = np.random.default_rng(0)
    wrong = [in_other_world(view, np.eye(3), rng.normal(0, 0.35, 3)) for view in views()]
    with pytest.raises(ViewsContradict, match=r"Of 6 frames, \d agree about where surfaces are; check the poses"):
        fuse(wrong)


def test_a_moved_thing_is_found_and_how_far() -> None:
    found = 0
    for index in (1, 7):
        fused = fuse(views(index, True))
        moved_id = path(index, True).moved_id
        assert moved_id is not None
        true = path(index, True).item(moved_id, 5).position_m - path(index, True).item(moved_id).position_m
        for move in fused.moved:
            ids = {int(one["object_id"]) for one in fused.object(move.before).seen.values()}
            assert ids == {moved_id}
            assert move.distance_m == pytest.approx(float(np.linalg.norm(true)), rel=0.1)
            found += 1
    assert found


def test_nothing_moves_in_a_still_room() -> None:
    assert fuse(views()).moved == ()
    assert all(thing.confidence == 1.0 for thing in fuse(views()).objects)


def test_what_all_frames_cut_off_below_reaches_down_to_the_floor_that_the_sequence_shows() -> None:
    found = 0
    for thing in fuse(views(PAN)).objects:
        true_m = float(path(PAN).item(min(int(one["object_id"]) for one in thing.seen.values())).design.size_m[2])
        own = [float(one["size_m"][2]) for one in thing.seen.values()]
        if not thing.is_whole and max(own) < 0.5 * true_m and thing.shape.size_m[2] > 0.5 * true_m:
            assert thing.shape.size_m[2] == pytest.approx(true_m, abs=2 * thing.shape.size_sigma_m)
            found += 1
    assert found >= 1


def level(height_m: float, label: int = -1, is_floor: bool = False) -> Level:
    x, y = (part.ravel() for part in np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21)))
    points = np.column_stack([x, y, np.full(len(x), height_m)])
    return Level(0, points, np.full(len(x), label), is_floor)


def block(low_m: float, high_m: float, side_m: float) -> np.ndarray:
    return np.random.default_rng(5).uniform([0.0, 0.0, low_m], [side_m, side_m, high_m], (400, 3))


@pytest.mark.parametrize(
    ("points", "levels", "rests", "height_m"),
    [
        (block(0.5, 0.9, 0.4), [level(0.0, is_floor=True)], False, 0.0),
        (block(0.5, 0.9, 0.4), [level(0.0, is_floor=True), level(0.3)], False, 0.3),
        (block(0.5, 0.9, 0.4), [level(0.0, is_floor=True), level(0.7)], False, 0.0),
        # Its own seat is no support, nor is the plane of a top itself.
        (block(0.5, 0.9, 0.4), [level(0.0, is_floor=True), level(0.5, label=4)], False, 0.0),
        (block(0.72, 0.73, 0.9), [level(0.0, is_floor=True), level(0.725)], True, 0.0),
        # A frame knows better, a mug stands on no floor far below, and nothing is known.
        (block(0.5, 0.9, 0.4), [level(0.0, is_floor=True)], True, None),
        (block(0.8, 0.9, 0.1), [level(0.0, is_floor=True)], False, None),
        (block(0.5, 0.9, 0.4), [], False, None),
    ],
)
def test_a_thing_stands_on_the_highest_surface_beneath_it(
    points: np.ndarray, levels: list[Level], rests: bool, height_m: float | None
) -> None:
    base = fused_base(points, {0: 4}, levels, rests)
    assert (None if base is None else round(base.height_m, 6)) == height_m
    assert base is None or base.sigma_m > 0.0
