"""The checker's own geometry against closed forms and shapely."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPoint

from scenes.truth.exact import check, gravity_error_deg
from scenes.truth.measure import ExactScene, frame_w, hull, polygon_distance, read_scene, sides

CAMERA = {"fx": 300.0, "fy": 300.0, "cx": 159.5, "cy": 119.5}
HEIGHT_M = 1.2


@pytest.fixture
def two_plates(tmp_path: Path) -> ExactScene:
    """Two fronto-parallel plates before a level camera 1.2 m above the floor: 1 left and near, 2 right and far."""
    depth = np.full((240, 320), 5000, np.uint16)
    labels = np.zeros((240, 320), np.uint16)
    for object_id, depth_mm, u, v in ((1, 2000, 40, 60), (2, 3000, 200, 100)):
        depth[v : v + 60, u : u + 60] = depth_mm
        labels[v : v + 60, u : u + 60] = object_id
    cv2.imwrite(str(tmp_path / "depth.png"), depth)
    cv2.imwrite(str(tmp_path / "instances.png"), labels)
    row = {
        "image": "rgb.png",
        "depth": "depth.png",
        "instances": "instances.png",
        "camera": CAMERA,
        "gravity": [0.0, 1.0, 0.0],
        "pose": [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, HEIGHT_M], [0, 0, 0, 1]],
        "objects": [{"id": 1, "label": "plate"}, {"id": 2, "label": "plate"}],
    }
    return read_scene(tmp_path, json.loads(json.dumps(row)))


def _row(type_id: str, **columns: object) -> dict[str, object]:
    empty = dict.fromkeys(("side", "answer_bool", "answer_object_id", "value_si", "distance_kind"))
    return {"type_id": type_id, "object_ids": [1, 2], **empty, **columns}


def test_plates_have_their_closed_form(two_plates: ExactScene) -> None:
    one, two = two_plates.objects[1], two_plates.objects[2]
    assert one.center == pytest.approx([2.0, -(69.5 - 159.5) / 300 * 2, HEIGHT_M - (89.5 - 119.5) / 300 * 2], abs=1e-9)
    assert two.depth == pytest.approx(3.0)
    # nearest edges: u = 99 at 2 m, u = 200 at 3 m; rows overlap, so the gap lies in the x-y plane up to the 1 % tail
    edge = np.hypot(1.0, (200 - 159.5) / 300 * 3 - (99 - 159.5) / 300 * 2)
    assert two_plates.gap(1, 2) == pytest.approx(edge, rel=0.02)
    # 1 % of the points are less than a column of 60, 2 % are more
    assert two_plates.clearance(1, 2) == pytest.approx(edge, abs=1e-9)
    assert one.size[3] == pytest.approx((98 - 41) / 300 * 2)


@pytest.mark.parametrize(
    ("row", "right"),
    [
        (_row("Q01", answer_bool=True), True),
        (_row("Q01", answer_bool=False), False),
        (_row("Q02", answer_bool=False), True),
        (_row("Q07", answer_bool=True), True),
        (_row("Q08", answer_bool=True), False),
        (_row("Q03", side="left", answer_object_id=1), True),
        (_row("Q03", side="right", answer_object_id=1), False),
        (_row("Q09", side="farther", answer_object_id=2), True),
        (_row("N05", side="right", value_si=1.295), False),
        (_row("N06", side="front", value_si=1.0), True),
    ],
)
def test_signs(two_plates: ExactScene, row: dict[str, object], right: bool) -> None:
    assert check(row, two_plates).right is right


def test_numbers_carry_their_relative_error(two_plates: ExactScene) -> None:
    assert check(_row("N06", side="front", value_si=1.1), two_plates).relative_error == pytest.approx(0.1)
    tenfold = check(_row("N13", value_si=20.5), two_plates).relative_error
    assert tenfold is not None
    assert tenfold > 8


def test_gravity_error_is_the_angle_between() -> None:
    scene = {"gravity_c": [0.0, np.cos(0.1), np.sin(0.1)], "gravity_src": "plane"}
    assert gravity_error_deg(scene, {"gravity": [0, 1, 0]}) == pytest.approx(np.rad2deg(0.1))
    assert gravity_error_deg({"gravity_c": None, "gravity_src": "none"}, {"gravity": [0, 1, 0]}) is None


@given(pitch=st.floats(-1.2, 1.2), roll=st.floats(-0.5, 0.5))
def test_frame_w_is_a_rotation_with_z_up(pitch: float, roll: float) -> None:
    down = np.array([np.sin(roll), np.cos(roll) * np.cos(pitch), np.cos(roll) * np.sin(pitch)])
    rotation = frame_w(down)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert rotation @ down == pytest.approx([0, 0, -1], abs=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


_POINTS = st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=6, max_size=15, unique=True)


@given(one=_POINTS, two=_POINTS, shift=st.floats(-6, 6))
def test_polygons_agree_with_shapely(
    one: list[tuple[float, float]], two: list[tuple[float, float]], shift: float
) -> None:
    a, b = np.array(one), np.array(two) + np.array([shift, 0.0])
    shapes = MultiPoint(a).convex_hull, MultiPoint(b).convex_hull
    if min(shape.area for shape in shapes) < 1e-3:
        return
    assert polygon_distance(hull(a), hull(b)) == pytest.approx(shapes[0].distance(shapes[1]), abs=1e-6)
    rectangle = shapes[0].minimum_rotated_rectangle
    assert np.prod(sides(hull(a))) == pytest.approx(rectangle.area, rel=1e-6)
