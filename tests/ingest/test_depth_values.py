"""Depth maps in other units, with codes for "none", and what is no depth, in a room whose depth is exact."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ingest.pictures import encoded
from tests.ingest.small_room import ROOM, checked, ingested, without_boxes
from udfs.pixels.maps import decoded_map

WIDTH, HEIGHT = ROOM.width, ROOM.height
CAMERA = ROOM.row["camera"]
NOISE = np.random.default_rng(7)


def stored_mm(row: dict[str, Any]) -> NDArray[Any]:
    return decoded_map(row["depth"])


@pytest.mark.parametrize("factor", [0.1, 0.256, 4, 5, 8, 10])
def test_depth_in_another_unit_contradicts_boxes_and_is_read_with_its_scale(factor: float) -> None:
    raw = np.rint(ROOM.depth_mm * factor)
    row, errors = checked(raw)
    assert set(errors) == {"bad_depth"} and row["depth"] is None
    assert f"perhaps {1000 * factor:.0f}" in errors["bad_depth"]
    row, errors = checked(raw, depth_scale=1000 * factor)
    assert errors == {}
    assert np.abs(stored_mm(row).astype(int) - ROOM.depth_mm).max() <= max(1, 0.5 / factor + 0.5)


@pytest.mark.parametrize("scale", [0, -1000, 0.001, math.inf, True, "1000", [1000], 1e-320])
def test_a_scale_that_is_none_costs_the_depth(scale: Any) -> None:
    row, errors = checked(depth_scale=scale)
    assert set(errors) == {"bad_depth"} and row["depth"] is None and row["camera"] == CAMERA


def labeled(*labels: str) -> list[dict[str, Any]]:
    pairs = zip(without_boxes(), labels, strict=True)
    return [{**item, "label": label} for item, label in pairs]


@pytest.mark.parametrize(
    ("factor", "labels", "said"),
    [
        (1, ("chair", "suitcase", "stool", "backpack"), None),
        (8, ("chair", "suitcase", "stool", "backpack"), "too large"),
        (8, ("wooden chair", "red suitcase", "bar stool", "backpack"), "too large"),
        (0.1, ("chair", "suitcase", "stool", "backpack"), "too small"),
        (0.1, ("toy chair", "toy suitcase", "toy stool", "toy backpack"), None),
        (0.1, ("chair", "suitcase", "thing", "part"), None),
        (8, ("chair", "part", "thing", "heap"), None),
        (8, ("part", "thing", "heap", "pile"), None),
    ],
)
def test_sizes_of_named_things_tell_another_unit(factor: float, labels: tuple[str, ...], said: str | None) -> None:
    row, errors = checked(np.rint(ROOM.depth_mm * factor), objects=labeled(*labels))
    assert set(errors) == ({"bad_depth"} if said else set()) and (row["depth"] is None) == bool(said)
    assert said is None or said in errors["bad_depth"]


@pytest.mark.parametrize("code", [65535, 65534, 65504, 32767, 60000, 50000, 10000, 1])
def test_codes_for_no_depth_become_none(code: int) -> None:
    depth = ROOM.depth_mm.copy()
    depth[:, ::3] = code
    row, errors = checked(depth)
    assert errors == {}
    expected = ROOM.depth_mm.copy()
    expected[:, ::3] = 0
    assert np.array_equal(stored_mm(row), expected)


def test_a_wall_behind_everything_is_no_code() -> None:
    depth = ROOM.depth_mm.copy()
    depth[ROOM.labels == 0] = 9300
    assert checked(depth) == ({**checked(depth)[0], "depth": encoded(depth, "PNG")}, {})


@pytest.mark.parametrize(
    ("depth", "said"),
    [
        (np.full((HEIGHT, WIDTH), 1), "nearer than a camera sees"),
        (np.full((HEIGHT, WIDTH), 65535), "holds no depth"),
        (np.zeros((HEIGHT, WIDTH)), "holds no depth"),
        (np.full((HEIGHT, WIDTH), 1500), "1500 mm on all objects and all around them"),
        (np.rint(ROOM.depth_mm / 1000), "nearer than a camera sees"),
        (NOISE.integers(0, 65536, (HEIGHT, WIDTH)), "noise"),
        (NOISE.integers(500, 5000, (HEIGHT, WIDTH)), "noise"),
    ],
)
def test_what_is_no_depth(depth: NDArray[Any], said: str) -> None:
    row, errors = checked(depth, objects=without_boxes())
    assert set(errors) == {"bad_depth"} and said in errors["bad_depth"]
    assert row["depth"] is None and row["camera"] == CAMERA


@pytest.mark.parametrize("noise_mm", [0, 2, 40])
def test_a_wall_seen_straight_on_is_depth(noise_mm: float) -> None:
    depth = 1800 + noise_mm * NOISE.standard_normal((HEIGHT, WIDTH))
    files = ROOM.files() | {"depth": encoded(np.rint(depth).astype(np.uint16), "PNG"), "instances": None}
    row = ingested({"camera": CAMERA}, files)
    assert row["rejects"] == [] and row["depth"] == files["depth"]


def test_noisy_sparse_and_holed_depth_passes() -> None:
    noisy = np.rint(ROOM.depth_mm * (1 + 0.03 * NOISE.standard_normal(ROOM.depth_mm.shape)))
    sparse = np.where(NOISE.random(noisy.shape) < 0.04, ROOM.depth_mm, 0)
    for depth in (noisy, sparse):
        assert checked(depth)[1] == {}
