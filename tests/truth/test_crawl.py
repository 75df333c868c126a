"""Rendered truth agrees with itself: points lie in their boxes, gravity follows the pose, the floor is at zero."""

from pathlib import Path

import numpy as np
import pytest

from scenes.crawl import write_crawl
from scenes.truth.measure import back_project, png_pixels, read_manifest

ROOMS = 10


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("crawl")
    write_crawl(str(out), ROOMS, 11, width=320, height=240)
    return out


def test_gravity_is_the_pose_s_down(crawl: Path) -> None:
    for row in read_manifest(crawl):
        pose = np.asarray(row["pose"])
        down = pose[:3, :3].T @ [0, 0, -1]
        assert down == pytest.approx(row["gravity"], abs=1e-6)
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)


def test_visible_points_lie_in_their_boxes(crawl: Path) -> None:
    for row in read_manifest(crawl):
        depth = png_pixels(crawl / row["depth"]) / 1000.0
        labels = png_pixels(crawl / row["instances"])
        cloud = back_project(depth, row["camera"])
        for item in row["objects"]:
            box, points = item["box_3d"], cloud[(labels == item["id"]) & (depth > 0)]
            local = (points - box["center"]) @ np.asarray(box["rotation"])
            outside = np.abs(local) - np.asarray(box["size"]) / 2
            assert np.percentile(outside.max(axis=1), 99) < 0.005, f"{row['image']}: {item['label']} {item['id']}"


def test_background_never_lies_below_the_floor(crawl: Path) -> None:
    lowest = []
    for row in read_manifest(crawl):
        depth = png_pixels(crawl / row["depth"]) / 1000.0
        labels = png_pixels(crawl / row["instances"])
        points = back_project(depth, row["camera"])[(labels == 0) & (depth > 0)]
        pose = np.asarray(row["pose"])
        heights = points @ pose[2, :3] + pose[2, 3]
        if len(heights) >= 500:
            lowest.append(np.percentile(heights, 1))
            assert lowest[-1] > -0.01
    assert np.median(np.abs(lowest)) < 0.05
