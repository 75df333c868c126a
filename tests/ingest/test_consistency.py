"""Parts of a row that contradict each other, in a room whose depth, masks and boxes are exact."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenes.crawl import write_crawl
from tests.ingest.conftest import ingest
from tests.ingest.pictures import encoded
from tests.ingest.small_room import ROOM, SmallRoom, checked, ingested, without_boxes

WIDTH, HEIGHT = ROOM.width, ROOM.height
CAMERA = ROOM.row["camera"]
NOISE = np.random.default_rng(7)


def boxes_with(object_id: int, **change: Any) -> list[dict[str, Any]]:
    objects = copy.deepcopy(ROOM.row["objects"])
    objects[object_id - 1]["box_3d"] |= change
    return objects


def test_the_exact_room_passes_untouched() -> None:
    row, errors = checked()
    assert errors == {}
    assert row["depth"] == ROOM.files()["depth"] and row["instances"] == ROOM.files()["instances"]
    assert row["camera"] == CAMERA and all(item["box_3d"] for item in row["objects"])


@pytest.mark.parametrize("focal", [5e-324, 1e-9, 0.001, 0.01, 1, 5, 2000, 1e5, 1e12, 1e150, 1e300, True, "300"])
@pytest.mark.parametrize("boxes", [True, False])
def test_impossible_focal_lengths(focal: Any, boxes: bool) -> None:
    objects = ROOM.row["objects"] if boxes else without_boxes()
    row, errors = checked(camera={**CAMERA, "fx": focal, "fy": focal}, objects=objects)
    assert set(errors) == {"bad_intrinsics"} and row["camera"] is None
    assert row["depth"] is not None and repr(focal)[:5] in errors["bad_intrinsics"]


@pytest.mark.parametrize("center", [-5000, 5000, -1e9, 1e9, 1e308, -100, 300])
@pytest.mark.parametrize("name", ["cx", "cy"])
def test_principal_points_of_no_camera(center: float, name: str) -> None:
    row, errors = checked(camera={**CAMERA, name: center}, objects=without_boxes())
    assert set(errors) == {"bad_intrinsics"} and row["camera"] is None


def scaled(factor: float) -> dict[str, float]:
    center = {name: factor * (CAMERA[name] + 0.5) - 0.5 for name in ("cx", "cy")}
    return {"fx": factor * CAMERA["fx"], "fy": factor * CAMERA["fy"], **center}


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.5, 2.0, 3.0, 6.4])
@pytest.mark.parametrize("boxes", [True, False])
def test_intrinsics_of_another_size_and_how_to_scale_them(factor: float, boxes: bool) -> None:
    objects = ROOM.row["objects"] if boxes else without_boxes()
    row, errors = checked(camera=scaled(factor), objects=objects)
    assert set(errors) == {"bad_intrinsics"} and row["camera"] is None
    assert f"multiply all four by {1 / factor:.3g}" in errors["bad_intrinsics"]


def test_boxes_tell_a_camera_of_another_zoom() -> None:
    """The center fits, so only the boxes show that the focal length is that of another image."""
    objects = ROOM.row["objects"]
    row, errors = checked(camera={**CAMERA, "fx": 2 * CAMERA["fx"], "fy": 2 * CAMERA["fy"]}, objects=objects)
    assert set(errors) <= {"bad_intrinsics", "bad_box"} and errors
    assert row["camera"] is None or not any(item["box_3d"] for item in row["objects"])


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        (
            {"fx": CAMERA["fx"] / WIDTH, "fy": CAMERA["fy"] / HEIGHT, "cx": 0.5, "cy": 0.5},
            f"multiply fx and cx by {WIDTH}",
        ),
        ({**CAMERA, "fx": 4.2, "fy": 4.2}, "mm must be given in px"),
        ({**CAMERA, "fy": 3 * CAMERA["fy"]}, "over 2 times apart"),
        ({**CAMERA, "cx": CAMERA["cy"], "cy": CAMERA["cx"]}, f"fit an image of {HEIGHT} x {WIDTH} px"),
    ],
)
def test_the_remedy_names_the_mistake(camera: dict[str, float], said: str) -> None:
    row, errors = checked(camera=camera, objects=without_boxes())
    assert set(errors) == {"bad_intrinsics"} and row["camera"] is None
    assert said in errors["bad_intrinsics"]


@pytest.mark.parametrize("fov_deg", [5.5, 12, 60, 120, 168])
def test_possible_cameras_pass(fov_deg: float) -> None:
    focal = 0.5 * WIDTH / math.tan(math.radians(fov_deg / 2))
    camera = {"fx": focal, "fy": 0.7 * focal, "cx": 0.55 * WIDTH, "cy": 0.42 * HEIGHT}
    assert checked(camera=camera, objects=without_boxes())[1] == {}


def test_a_crop_is_believed_when_boxes_lie_over_their_masks() -> None:
    """The right part of the image, whose principal point is at its left edge."""
    u0 = 78
    half = SmallRoom()
    files = {
        "image": half.files()["image"],
        "depth": encoded(np.ascontiguousarray(half.depth_mm[:, u0:]), "PNG"),
        "instances": encoded(np.ascontiguousarray(half.labels[:, u0:]), "PNG"),
    }
    files["image"] = encoded(np.zeros((HEIGHT, WIDTH - u0, 3), np.uint8))
    camera = {**CAMERA, "cx": CAMERA["cx"] - u0, "cy": CAMERA["cy"]}
    row = ingested({**half.row, "camera": camera}, files)
    assert row["camera"] == camera


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"center": [0, 0, -5]}, "behind the camera"),
        ({"center": [1e30, 0, 2]}, "1e+30"),
        ({"size": [1e30, 1, 1]}, "1e+30"),
        ({"size": [5e-324, 1, 1]}, "5e-324"),
        ({"center": [5.0, 0, 2]}, "not over its mask"),
        ({"center": [True, 0, 2]}, "True"),
    ],
)
def test_a_box_that_cannot_be_is_left_out_alone(change: dict[str, Any], said: str) -> None:
    row, errors = checked(objects=boxes_with(2, **change))
    assert set(errors) == {"bad_box"} and said in errors["bad_box"]
    assert [item["box_3d"] is not None for item in row["objects"]] == [True, False, True, True]
    assert row["depth"] is not None and row["camera"] is not None


def test_a_box_at_another_depth_than_its_object_is_left_out() -> None:
    center = (3 * np.array(ROOM.row["objects"][0]["box_3d"]["center"])).tolist()
    row, errors = checked(objects=boxes_with(1, center=center))
    assert set(errors) == {"bad_box"} and row["depth"] is not None
    assert [item["box_3d"] is not None for item in row["objects"]] == [False, True, True, True]


def test_boxes_in_another_unit_are_left_out_and_depth_is_kept() -> None:
    objects = copy.deepcopy(ROOM.row["objects"])
    for item in objects:
        box = item["box_3d"]
        box["center"], box["size"] = [[100 * value for value in box[name]] for name in ("center", "size")]
    row, errors = checked(objects=objects)
    assert set(errors) == {"bad_box"} and row["depth"] is not None
    assert not any(item["box_3d"] for item in row["objects"])


def test_gravity_that_points_up_and_a_camera_upside_down() -> None:
    gravity = np.array(ROOM.row["gravity"])
    row, errors = checked(gravity=(-gravity).tolist())
    assert set(errors) == {"bad_gravity"} and row["gravity"] is None and "reverse its sign" in errors["bad_gravity"]
    turned = {name: np.ascontiguousarray(value[::-1, ::-1]) for name, value in vars(ROOM).items() if name in _MAPS}
    files = ROOM.files() | {_MAPS[name]: encoded(value, "PNG") for name, value in turned.items()}
    down = [-gravity[0], -gravity[1], gravity[2]]
    row = ingested({"camera": CAMERA, "gravity": down, "objects": without_boxes()}, files)
    assert row["gravity"] == pytest.approx(down) and row["rejects"] == []


_MAPS = {"depth_mm": "depth", "labels": "instances"}


def test_a_pose_beyond_the_earth() -> None:
    pose = np.eye(4)
    pose[0, 3] = 1e308
    row, errors = checked(pose=pose.tolist())
    assert set(errors) == {"bad_pose"} and row["pose"] is None and "1e+308" in errors["bad_pose"]


def test_exact_rooms_are_believed_also_where_the_image_cuts_their_boxes_off(tmp_path: Path) -> None:
    write_crawl(str(tmp_path), count=24, seed=5, width=256, height=192)
    assert ingest(tmp_path).quarantine == []
