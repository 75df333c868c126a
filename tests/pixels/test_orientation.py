"""The turns of the eight EXIF orientations: of pixels, and of what refers to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from scipy.spatial.transform import Rotation

from tests.pixels import turned
from udfs.pixels.orientation import ORIENTATIONS

TAGS = st.sampled_from(sorted(ORIENTATIONS))
SIDES = st.tuples(st.integers(1, 40), st.integers(1, 40))
NUMBERS = st.floats(-50, 50)
POINTS = st.tuples(NUMBERS, NUMBERS, st.floats(0.1, 50))
ROTATIONS = st.integers(0, 2**31).map(lambda seed: Rotation.random(rng=np.random.default_rng(seed)).as_matrix())


def projected(point, camera):
    x, y, z = point
    return camera["fx"] * x / z + camera["cx"], camera["fy"] * y / z + camera["cy"]


def corners(box):
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T / 2
    return np.array(box["center"]) + (signs * box["size"]) @ np.reshape(box["rotation"], (3, 3)).T


def pose_of(rotation, position):
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, position
    return pose


@pytest.mark.parametrize("tag", turned.TAGS)
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 4), (4, 1)])
def test_maps_and_images_are_turned_as_viewers_turn_them(tag, shape):
    stored = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = tag
    seen = np.asarray(ImageOps.exif_transpose(image))
    orientation = ORIENTATIONS[tag]
    assert np.array_equal(orientation.map(stored), seen)
    assert np.array_equal(np.asarray(orientation.image(Image.fromarray(stored))), seen)
    assert orientation.size((shape[1], shape[0])) == (seen.shape[1], seen.shape[0])
    assert orientation.map(stored).flags.c_contiguous


@given(TAGS, SIDES, st.data())
def test_a_stored_pixel_is_found_where_it_is_seen(tag, size, data):
    width, height = size
    u, v = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    stored_u, stored_v = turned.PLACE[tag](u, v, width, height)
    stored_width, stored_height = size if tag < 5 else size[::-1]
    stored = np.zeros((stored_height, stored_width), np.uint16)
    stored[int(stored_v), int(stored_u)] = 7
    upright = ORIENTATIONS[tag].map(stored)
    assert upright.shape == (height, width) and upright[v, u] == 7


@given(TAGS, SIDES, POINTS, st.tuples(*[st.floats(1, 500)] * 2), st.tuples(NUMBERS, NUMBERS))
def test_a_point_is_projected_to_the_pixel_where_it_is_seen(tag, size, point, focal, center):
    upright = {"fx": focal[0], "fy": focal[1], "cx": center[0], "cy": center[1]}
    stored_size = size if tag < 5 else size[::-1]
    stored = turned.camera(tag, upright, size)
    orientation = ORIENTATIONS[tag]
    found = orientation.camera(stored, stored_size)
    assert found == pytest.approx(upright, abs=1e-9)
    stored_point = turned.vector(tag, point)
    assert orientation.vector(stored_point) == list(point)
    seen = projected(point, found)
    assert turned.PLACE[tag](*seen, *size) == pytest.approx(projected(stored_point, stored), rel=1e-9, abs=1e-6)


@given(TAGS, ROTATIONS, st.tuples(NUMBERS, NUMBERS, NUMBERS), st.tuples(*[st.floats(0.01, 9)] * 3))
def test_boxes_fill_the_same_space_and_their_axes_stay_right_handed(tag, rotation, center, size):
    upright = {"center": list(center), "size": list(size), "rotation": rotation.ravel().tolist()}
    found = ORIENTATIONS[tag].box(turned.box(tag, upright))
    assert found["size"] == upright["size"]
    assert np.linalg.det(np.reshape(found["rotation"], (3, 3))) == pytest.approx(1)
    ours, theirs = corners(found), corners(upright)
    assert np.abs(ours[:, None] - theirs).sum(-1).min(0).max() < 1e-9
    # Each axis keeps its line, so that sizes still belong to their axes.
    along = np.abs(np.reshape(found["rotation"], (3, 3)).T @ rotation)
    assert along == pytest.approx(np.eye(3), abs=1e-9)


@given(TAGS, ROTATIONS, ROTATIONS, POINTS)
def test_poses_stay_rigid_and_agree_on_one_world(tag, first, second, point):
    orientation = ORIENTATIONS[tag]
    poses = [pose_of(first, (1, 2, 3)), pose_of(second, (-4, 0.5, 2))]
    turned_poses = [np.reshape(orientation.pose(pose.ravel().tolist()), (4, 4)) for pose in poses]
    for pose in turned_poses:
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1) and pose[3].tolist() == [0, 0, 0, 1]
    world = poses[0] @ [*point, 1]
    for pose, after in zip(poses, turned_poses, strict=True):
        seen = np.linalg.inv(pose) @ world
        moved = after @ [*orientation.vector(seen[:3]), 1]
        mirrored = [-world[0], *world[1:]] if tag in turned.MIRRORED else world
        assert moved == pytest.approx(mirrored, abs=1e-6)


def test_the_turns_are_the_eight_of_a_square():
    square = np.arange(9).reshape(3, 3)
    seen = {tag: orientation.map(square).tobytes() for tag, orientation in ORIENTATIONS.items()}
    assert len(set(seen.values())) == 8
    by_pixels = {value: tag for tag, value in seen.items()}
    for first in ORIENTATIONS.values():
        for second in ORIENTATIONS.values():
            both = ORIENTATIONS[by_pixels[second.map(first.map(square)).tobytes()]]
            axes = np.array(second.axes) @ first.axes
            assert np.array_equal(axes, both.axes)
            assert both.mirrored == (first.mirrored != second.mirrored)
            assert both.quarter == (first.quarter != second.quarter)
        assert any(other.map(first.map(square)).tobytes() == square.tobytes() for other in ORIENTATIONS.values())
