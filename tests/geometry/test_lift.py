"""The row contract of lifting: columns, rejections, sparse depth."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pydantic import ValidationError

from schemas.scenes import SCENES
from schemas.table import lineage
from tests.geometry.rooms import Block, RenderedImage, Room, View, region, render, scenes_input
from udfs.stages.lift import LiftSettings, lift_row
from udfs.stages.rows import RowRejected

ROOM = Room((Block(2.0, -0.4, 0.0, (0.4, 0.4, 0.7), 0.3), Block(2.4, 0.6, 0.0, (0.5, 0.3, 0.4), 1.0)))
VIEW = View(eye=(0.0, 0.0, 1.3), pitch=0.4)


@pytest.fixture(scope="module")
def rendered() -> RenderedImage:
    return render(ROOM, VIEW)


def test_columns_are_the_tables(rendered: RenderedImage) -> None:
    row = scenes_input(rendered)
    row["regions"][0]["front"] = [0.0, 0.1, -1.0]
    scene = lift_row(row, LiftSettings())
    ends = {field.name for field in lineage()}
    fields = {field.name: field.dataType for field in SCENES.schema.fields}
    assert set(scene) == set(fields) - ends
    for name in ("planes", "objects", "pairs"):
        expected = fields[name].elementType.fieldNames()  # type: ignore[attr-defined]
        assert all(list(struct) == expected for struct in scene[name])
    front = scene["objects"][0]["front_w"]
    assert np.hypot(front[0], front[1]) == pytest.approx(1.0) and front[2] == 0.0
    foot = np.reshape(scene["objects"][0]["foot_m"], (-1, 2))
    turn = np.cross(np.roll(foot, -1, axis=0) - foot, np.roll(foot, -2, axis=0) - np.roll(foot, -1, axis=0))
    assert (turn > 0).all() and len(foot) <= 24
    corners = np.reshape(scene["objects"][0]["corners_m"], (8, 3))
    assert (corners[:4, 2] < corners[4:, 2]).all()


def test_regions_that_cannot_be_lifted(rendered: RenderedImage) -> None:
    row = scenes_input(rendered)
    tiny = np.zeros_like(rendered.masks[1])
    tiny[200:204, 10:15] = True
    row["regions"] += [region(7, tiny), {**region(8, tiny), "rle": _empty_rle(tiny.shape)}]
    scene = lift_row(row, LiftSettings())
    assert [o["object_id"] for o in scene["objects"]] == [1, 2]
    assert {r["region_id"]: r["reason"] for r in scene["rejected"]} == {7: "too_few_points", 8: "empty_mask"}


def _empty_rle(shape: tuple[int, ...]) -> str:
    return coco_mask.encode(np.zeros(shape, np.uint8, order="F"))["counts"].decode("ascii")


@pytest.mark.parametrize(
    ("depth", "reason"),
    [
        (b"", "depth_unreadable"),
        (b"not an image", "depth_unreadable"),
        (cv2.imencode(".png", np.zeros((240, 320), np.uint8))[1].tobytes(), "depth_unreadable"),
        (cv2.imencode(".png", np.zeros((240, 320), np.uint16))[1].tobytes(), "depth_unreadable"),
        (cv2.imencode(".png", np.full((24, 32), 900, np.uint16))[1].tobytes(), "depth_size_mismatch"),
    ],
)
def test_bad_depth_is_rejected(rendered: RenderedImage, depth: bytes, reason: str) -> None:
    with pytest.raises(RowRejected) as caught:
        lift_row(scenes_input(rendered, depth=depth), LiftSettings())
    assert caught.value.reason == reason
    assert caught.value.outcome == "failed"


@pytest.mark.parametrize("change", [{"fx": 0.67, "fy": 0.67}, {"fx": 1e300, "fy": 1e300}, {"cx": 1e9}, {"fy": 2e4}])
def test_a_camera_that_cannot_be_measures_nothing(rendered: RenderedImage, change: dict[str, float]) -> None:
    row = scenes_input(rendered)
    with pytest.raises(RowRejected) as caught:
        lift_row({**row, "camera": {**row["camera"], **change}}, LiftSettings())
    assert (caught.value.outcome, caught.value.reason) == ("failed", "bad_intrinsics")


def test_no_object_left(rendered: RenderedImage) -> None:
    with pytest.raises(RowRejected) as caught:
        lift_row(scenes_input(rendered, regions=[]), LiftSettings())
    assert (caught.value.outcome, caught.value.reason) == ("filtered", "no_objects")


def test_sparse_depth_takes_fewer_points(rendered: RenderedImage) -> None:
    """One pixel in 64 has depth: every object keeps its position, and the floor its height."""
    thin = np.zeros(rendered.z.shape, bool)
    thin[::8, ::8] = True
    sparse = RenderedImage(
        rendered.room, rendered.view, np.where(thin, rendered.z, np.inf), rendered.ids, rendered.masks
    )
    scene, dense = (lift_row(scenes_input(p), LiftSettings()) for p in (sparse, rendered))
    assert scene["depth_noise_rel"] is None
    assert scene["has_plane"] == "floor"
    assert scene["world_from_camera"][11] == pytest.approx(1.3, abs=0.02)
    for a, b in zip(scene["objects"], dense["objects"], strict=True):
        assert 12 <= a["n_points"] <= b["n_points"] / 20
        assert np.allclose(a["center_m"], b["center_m"], atol=0.08)


def test_holes_in_depth_are_not_points(rendered: RenderedImage) -> None:
    z = rendered.z.copy()
    z[:, ::3] = np.inf
    holed = RenderedImage(rendered.room, rendered.view, z, rendered.ids, rendered.masks)
    scene, whole = (lift_row(scenes_input(p), LiftSettings()) for p in (holed, rendered))
    for a, b in zip(scene["objects"], whole["objects"], strict=True):
        assert a["n_points"] < 0.75 * b["n_points"]
        assert np.allclose(a["center_m"], b["center_m"], atol=0.01)


def test_settings_refuse_nonsense() -> None:
    with pytest.raises(ValidationError):
        LiftSettings(min_points=0)
    with pytest.raises(ValidationError):
        LiftSettings(unknown=1)  # type: ignore[call-arg]


def test_the_top_of_what_fills_the_image_is_no_floor() -> None:
    """A shelf board or a bed carries small things, and not the large thing that it is a part of."""
    chest, cup = Block(1.0, 0.0, 0.0, (2.4, 2.0, 0.9), 0.0), Block(0.7, 0.0, 0.9, (0.09, 0.09, 0.1), 0.3)
    view = View(eye=(0.0, 0.0, 1.6), pitch=0.95, roll=0.0, width=640, height=480, focal=700.0)
    scene = lift_row(scenes_input(render(Room((chest, cup)), view)), LiftSettings())
    assert [item["object_id"] for item in scene["objects"]] == [1, 2]
    assert max(max(item["hi_m"][k] - item["lo_m"][k] for k in range(3)) for item in scene["objects"]) > 0.8
    assert scene["has_plane"] in ("table", "surface")
