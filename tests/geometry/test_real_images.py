"""Real RGB-D images against their independent answer key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.geometry.rooms import region
from udfs.stages.lift import LiftSettings, lift_row

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the real images are not at {FOLDER}")


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for line in (FOLDER / "manifest.jsonl").read_text().splitlines():
        item = json.loads(line)
        labels = cv2.imread(str(FOLDER / item["instances"]), cv2.IMREAD_UNCHANGED)
        assert labels is not None
        known = item["gravity"] is not None
        yield (
            item["image"].split("/")[1],
            {
                "image_id": item["image"],
                "width": labels.shape[1],
                "height": labels.shape[0],
                "depth": (FOLDER / item["depth"]).read_bytes(),
                "depth_src": "sensor",
                "sigma_rel": 0.01,
                "scale_ok": True,
                "camera": item["camera"],
                "camera_src": "crawl",
                "gravity": item["gravity"],
                "gravity_src": "imu" if known else "none",
                "gravity_sigma_deg": 1.0 if known else None,
                "regions": [{**region(o["id"], labels == o["id"]), "label": o["label"]} for o in item["objects"]],
            },
        )


@pytest.fixture(scope="module")
def scenes() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    return {
        name: (lift_row(row, LiftSettings()), json.loads((FOLDER / "truth" / f"{name}.json").read_text()))
        for name, row in _rows()
    }


def test_no_scene_is_lost(scenes: dict[str, Any]) -> None:
    assert len(scenes) == 20
    for scene, truth in scenes.values():
        measured = {int(k) for k, o in truth["objects"].items() if "centroid_camera_m" in o}
        assert measured <= {o["object_id"] for o in scene["objects"]}


def test_distances_between_centers(scenes: dict[str, Any]) -> None:
    right = total = 0
    for scene, truth in scenes.values():
        objects = {o["object_id"]: o for o in scene["objects"]}
        for pair in truth["pairs"]:
            a, b = objects[pair["a"]], objects[pair["b"]]
            found = np.linalg.norm(np.subtract(a["center_m"], b["center_m"]))
            half = 0.5 * min(max(a["size_m"][:3]), max(b["size_m"][:3]))
            right += abs(found - pair["centroid_distance_m"]) <= max(0.03, half)
            total += 1
    assert total > 300
    assert right / total >= 0.97


def test_published_heights(scenes: dict[str, Any]) -> None:
    wrong = []
    count = 0
    for name, (scene, truth) in scenes.items():
        objects = {o["object_id"]: o for o in scene["objects"]}
        for known in truth["known_sizes"]:
            count += 1
            tall_mm, published_mm = 1000 * objects[known["id"]]["size_m"][2], known["published_vertical_mm"]
            if abs(tall_mm - published_mm) > max(12.0, 0.1 * published_mm):
                wrong.append((name, known["ycb"], tall_mm, published_mm))
    assert count >= 10
    assert len(wrong) <= 0.05 * count, wrong


def test_supports_and_gravity(scenes: dict[str, Any]) -> None:
    """Where the key has a support plane and the crawl no gravity, one of the found planes is that plane."""
    checked = 0
    for scene, truth in scenes.values():
        if "support_plane" not in truth or scene["gravity_src"] != "plane":
            continue
        normal, offset = truth["support_plane"]["normal_camera"], truth["support_plane"]["offset_m"]
        assert np.rad2deg(np.arccos(min(1.0, -np.dot(scene["gravity_c"], normal)))) < 2.0
        assert min(abs(plane["offset_m"] - offset) for plane in scene["planes"]) < 0.02
        nearest = min(scene["planes"], key=lambda plane: abs(plane["offset_m"] - offset))
        assert nearest["kind"] == "table"
        checked += 1
    assert checked >= 10
