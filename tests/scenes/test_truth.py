"""Rendered truth against calculations that do not use the renderer."""

from itertools import pairwise

import numpy as np

from tests.scenes.conftest import Read

_HALF_MM = 0.0006


def test_every_visible_point_lies_in_its_objects_box(rooms: list[Read]) -> None:
    checked = 0
    for room in rooms:
        points = room.points()
        rays = points / room.depth_m[..., None]
        for entry in room.row["objects"]:
            box = entry["box_3d"]
            rotation = np.array(box["rotation"])
            here = room.instances == entry["id"]
            local = (points[here] - np.array(box["center"])) @ rotation
            # depth is rounded to a millimeter, which moves a point along its ray by at most half of that
            slack = _HALF_MM * np.linalg.norm(rays[here], axis=1)[:, None]
            assert (np.abs(local) <= np.array(box["size"]) / 2 + slack).all(), entry["label"]
            checked += 1
    assert checked > 100


def test_boxes_touch_what_they_enclose(rooms: list[Read]) -> None:
    """If an object is fully visible from above, its highest point reaches the box's top."""
    reached = 0
    for room in rooms:
        points, up = room.points(), -np.array(room.row["gravity"])
        for entry in room.row["objects"]:
            if entry["label"] not in (
                "ball",
                "box",
                "table",
                "coffee table",
                "cabinet",
                "dresser",
                "nightstand",
                "bench",
            ):
                continue
            box = entry["box_3d"]
            top = np.array(box["center"]) @ up + box["size"][2] / 2
            seen = points[room.instances == entry["id"]] @ up
            assert seen.max() <= top + 0.002
            reached += bool(top - seen.max() < 0.03 * box["size"][2] + 0.01)
    assert reached > 10


def test_gravity_is_the_poses_down(rooms: list[Read]) -> None:
    for room in rooms:
        gravity, rotation = np.array(room.row["gravity"]), room.pose[:3, :3]
        np.testing.assert_allclose(np.linalg.norm(gravity), 1, atol=1e-8)
        np.testing.assert_allclose(rotation @ gravity, [0, 0, -1], atol=1e-8)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-8)
        assert np.linalg.det(rotation) > 0.999


def test_camera_is_within_the_published_ranges(rooms: list[Read]) -> None:
    for room in rooms:
        gravity, camera = np.array(room.row["gravity"]), room.row["camera"]
        pitch = np.degrees(np.arcsin(gravity[2]))
        roll = np.degrees(np.arctan2(gravity[0], gravity[1]))
        field = 2 * np.degrees(np.arctan(room.image.shape[1] / 2 / camera["fx"]))
        assert -0.01 <= pitch <= 60.01
        assert abs(roll) <= 10.01
        assert 39.9 <= field <= 80.1
        assert 0.3 <= room.pose[2, 3] <= 2.0
        assert camera["fx"] == camera["fy"]


def test_floor_is_level_and_under_the_camera(rooms: list[Read]) -> None:
    """Background points lie on or above the plane z = 0 of the pose, and the floor lies on it."""
    seen = 0
    for room in rooms:
        world = room.points() @ room.pose[:3, :3].T + room.pose[:3, 3]
        height = world[..., 2]
        assert height.min() > -0.002
        seen += bool((np.abs(height[room.instances == 0]) < 0.003).mean() > 0.05)
    assert seen > len(rooms) / 2


def test_fronts_are_level_and_along_the_boxes_first_axis(rooms: list[Read]) -> None:
    fronts = [
        (entry, np.array(room.row["gravity"])) for room in rooms for entry in room.row["objects"] if "front" in entry
    ]
    assert len(fronts) > 40
    for entry, gravity in fronts:
        front = np.array(entry["front"])
        np.testing.assert_allclose(np.linalg.norm(front), 1, atol=1e-8)
        np.testing.assert_allclose(front @ gravity, 0, atol=1e-8)
        np.testing.assert_allclose(front, np.array(entry["box_3d"]["rotation"])[:, 0], atol=1e-8)


def test_boxes_stand_upright_with_right_handed_axes(rooms: list[Read]) -> None:
    for room in rooms:
        for entry in room.row["objects"]:
            rotation = np.array(entry["box_3d"]["rotation"])
            np.testing.assert_allclose(rotation[:, 2], -np.array(room.row["gravity"]), atol=1e-8)
            np.testing.assert_allclose(np.cross(rotation[:, 0], rotation[:, 1]), rotation[:, 2], atol=1e-7)


def test_no_camera_is_inside_a_box(rooms: list[Read]) -> None:
    for room in rooms:
        for entry in room.row["objects"]:
            box = entry["box_3d"]
            local = -np.array(box["center"]) @ np.array(box["rotation"])
            assert (np.abs(local) > np.array(box["size"]) / 2).any(), entry["label"]


def test_frames_of_a_path_see_the_same_points(paths: list[Read]) -> None:
    """Points of one frame, moved by the poses into the next, match the depth of that frame where visible."""
    for first, second in pairwise(paths):
        if first.row["sequence_id"] != second.row["sequence_id"]:
            continue
        world = first.points().reshape(-1, 3) @ first.pose[:3, :3].T + first.pose[:3, 3]
        there = (world - second.pose[:3, 3]) @ second.pose[:3, :3]
        camera = second.row["camera"]
        u = np.rint(there[:, 0] / there[:, 2] * camera["fx"] + camera["cx"])
        v = np.rint(there[:, 1] / there[:, 2] * camera["fy"] + camera["cy"])
        height, width = second.depth_m.shape
        inside = (there[:, 2] > 0.1) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
        ui, vi = u[inside].astype(int), v[inside].astype(int)
        error = np.abs(second.depth_m[vi, ui] / there[inside, 2] - 1)
        assert inside.mean() > 0.1
        assert np.median(error) < 0.004
        agree = error < 0.02
        same = first.instances.ravel()[inside][agree] == second.instances[vi, ui][agree]
        assert agree.mean() > 0.6
        assert same.mean() > 0.9


def test_paths_are_in_order_and_move(paths: list[Read]) -> None:
    sequences: dict[str, list[Read]] = {}
    for frame in paths:
        sequences.setdefault(frame.row["sequence_id"], []).append(frame)
    assert len(sequences) == 4
    for frames in sequences.values():
        assert [frame.row["frame_index"] for frame in frames] == [0, 1, 2]
        shift = np.linalg.norm(frames[2].pose[:3, 3] - frames[0].pose[:3, 3])
        turn = np.arccos(np.clip((np.trace(frames[0].pose[:3, :3].T @ frames[2].pose[:3, :3]) - 1) / 2, -1, 1))
        assert shift > 0.02 or turn > 0.02
        sizes = {}
        for frame in frames:
            for entry in frame.row["objects"]:
                box = entry["box_3d"]
                center = frame.pose[:3, :3] @ np.array(box["center"]) + frame.pose[:3, 3]
                before = sizes.setdefault(entry["id"], (entry["label"], center, box["size"]))
                assert before[0] == entry["label"]
                np.testing.assert_allclose(before[1], center, atol=1e-6)
                np.testing.assert_allclose(before[2], box["size"], atol=1e-9)
