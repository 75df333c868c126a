"""Doorways of rendered rooms: off by default, and what the image shows of them is what the manifest says."""

from pathlib import Path

import numpy as np
import pytest

from scenes.crawl import write_crawl
from scenes.doorways import Doorway, doorway_of, doorways_in
from scenes.mesh import Mesh
from scenes.truth.measure import read_manifest, read_scene
from scenes.truth.room import rebuilt

SIZE_M = (5.0, 4.0, 2.6)


def _area_m2(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("wall", range(4))
def test_the_wall_lacks_just_the_opening(wall: int) -> None:
    doorway = Doorway(wall, 1.0, 0.9, 2.0, 1.5)
    mesh = doorway.wall_mesh(SIZE_M)
    length = SIZE_M[1 if wall < 2 else 0]
    assert _area_m2(mesh) == pytest.approx(length * SIZE_M[2] - 0.9 * 2.0)
    across = mesh.vertices[:, 0 if wall < 2 else 1]
    assert np.allclose(across, 0.0 if wall % 2 == 0 else SIZE_M[0 if wall < 2 else 1])


@pytest.mark.parametrize("wall", range(4))
def test_the_corridor_is_outside_the_room(wall: int) -> None:
    for mesh, _ in Doorway(wall, 1.0, 0.9, 2.0, 1.5).corridor(SIZE_M):
        axis = 0 if wall < 2 else 1
        across = mesh.vertices[:, axis]
        assert np.all(across <= 1e-9) if wall % 2 == 0 else np.all(across >= SIZE_M[axis] - 1e-9)


def test_a_doorway_fits_its_wall_and_keeps_from_corners() -> None:
    for seed in range(200):
        doorway = doorway_of(SIZE_M, np.random.default_rng(seed))
        length = SIZE_M[1 if doorway.wall < 2 else 0]
        assert doorway.start_m > 0.3 and doorway.start_m + doorway.width_m < length - 0.3
        assert 0.7 <= doorway.width_m <= 1.6 and doorway.height_m < SIZE_M[2]


def test_nothing_may_stand_before_a_doorway() -> None:
    doorway = Doorway(0, 1.0, 0.9, 2.0, 1.5)
    assert doorway.blocks(np.array([0.5, 1.2]), np.array([0.8, 1.5]), SIZE_M)
    assert not doorway.blocks(np.array([1.0, 1.2]), np.array([1.5, 1.5]), SIZE_M)
    assert not doorway.blocks(np.array([0.1, 2.0]), np.array([0.5, 2.5]), SIZE_M)


def test_rooms_without_doorways_stay_what_they_were(tmp_path: Path) -> None:
    write_crawl(str(tmp_path), 1, 3, width=96, height=72)
    (row,) = read_manifest(tmp_path)
    assert "doorways" not in row and doorways_in(row) == []


def test_a_room_is_rebuilt_from_its_manifest_and_its_doorway_is_open(tmp_path: Path) -> None:
    write_crawl(str(tmp_path), 3, 3, width=96, height=72, doorways=True)
    for row in read_manifest(tmp_path):
        (doorway,) = doorways_in(row)
        ends = np.array(row["doorways"][0]["ends_m"])
        assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(doorway.width_m)
        room = read_scene(tmp_path, row).room
        assert room is not None
        size_m = room.scene.room.size_m
        middle = doorway.start_m + doorway.width_m / 2
        rays = doorway.world(
            np.array([[middle, -0.05, 1.0], [doorway.start_m - 0.1, -0.05, 1.0], [middle, 1.0, 1.0]]), size_m
        )
        outward = rays[2] - rays[0]
        directions = np.tile(outward / np.linalg.norm(outward), (2, 1)).astype(np.float32)
        open_m, wall_m = room.scene.cast_from(rays[:2].astype(np.float32), directions).z
        assert open_m == pytest.approx(doorway.corridor_m + 0.05, abs=1e-3)
        assert wall_m == pytest.approx(0.05, abs=1e-3)


def test_what_is_no_rendered_room_is_not_rebuilt() -> None:
    row = {"crawl_id": "photos", "image": "a.jpg", "pose": np.eye(4).tolist()}
    assert rebuilt(row, (64, 48), np.eye(3), 0.0) is None
