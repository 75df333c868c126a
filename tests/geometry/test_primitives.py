"""Primitives against exact visible points measured by a second implementation."""

import itertools

import numpy as np
import pytest
import shapely
from scipy.spatial import KDTree

from tests.geometry.rooms import Ball, Block, RenderedImage, Room, View, noisy, points_w, render, scenes_input
from udfs.geometry.boxes import amodal_box, convex_hull, yaw_box
from udfs.geometry.frame import WorldFrame
from udfs.geometry.pairs import facing_points
from udfs.geometry.quantiles import quantiles
from udfs.stages.lift import LiftSettings, lift_row

ROOM = Room(
    (
        Block(2.4, -0.7, 0.0, (0.5, 0.4, 0.9), 0.4),
        Block(2.2, 0.5, 0.0, (0.6, 0.6, 0.45), 1.1),
        Block(2.2, 0.5, 0.45, (0.2, 0.15, 0.25), 0.2),
        Ball(3.1, 0.0, 0.2, 0.2),
        Block(1.9, -0.05, 0.0, (0.15, 0.2, 0.3), 2.0),
    ),
    walls=((1.0, 0.0, 4.2), (0.0, 1.0, 2.0)),
)
VIEW = View(eye=(0.0, 0.0, 1.4), pitch=0.38, roll=0.05, width=640, height=480, focal=560.0)


@pytest.fixture(scope="module")
def rendered() -> RenderedImage:
    return render(ROOM, VIEW)


@pytest.fixture(scope="module")
def gaps(rendered: RenderedImage) -> dict[tuple[int, int], float]:
    """D_gap of every pair from all exact points."""
    exact = {k: points_w(rendered, k) for k in rendered.masks}
    return {(a, b): _gap(exact[a], exact[b]) for a, b in itertools.combinations(exact, 2)}


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    return min(np.percentile(KDTree(b).query(a)[0], 1), np.percentile(KDTree(a).query(b)[0], 1))


def test_exact_masks_and_depth_keep_all_pixels(rendered: RenderedImage) -> None:
    scene = lift_row(scenes_input(rendered), LiftSettings())
    assert [o["object_id"] for o in scene["objects"]] == [1, 2, 3, 4, 5]
    assert scene["has_plane"] == "floor"
    assert scene["world_from_camera"][11] == pytest.approx(1.4, abs=0.002)
    for item in scene["objects"]:
        exact = points_w(rendered, item["object_id"])
        assert item["n_points"] == len(exact)
        assert np.allclose(item["center_m"], np.median(exact, axis=0), atol=0.003)
        assert np.allclose(item["lo_m"], np.percentile(exact, 2, axis=0), atol=0.004)
        assert np.allclose(item["hi_m"], np.percentile(exact, 98, axis=0), atol=0.004)
        apart = np.linalg.norm(exact - [0.0, 0.0, 1.4], axis=1)
        assert item["range_m"] == pytest.approx(np.percentile(apart, 5), abs=0.002)
        assert item["truncated"] is False


def test_gaps_and_clearances(rendered: RenderedImage, gaps: dict[tuple[int, int], float]) -> None:
    scene = lift_row(scenes_input(rendered), LiftSettings())
    exact = {k: points_w(rendered, k) for k in rendered.masks}
    pairs = {(p["a"], p["b"]): p for p in scene["pairs"]}
    assert len(pairs) == 10
    for a, b in itertools.combinations(exact, 2):
        truth = gaps[a, b]
        assert pairs[a, b]["gap_m"] == pytest.approx(truth, abs=max(0.006, 0.03 * truth))
        one, two = (shapely.MultiPoint(exact[k][:, :2]).convex_hull for k in (a, b))
        assert pairs[a, b]["clearance_m"] == pytest.approx(one.distance(two), abs=0.05)
    assert pairs[2, 3]["foot_overlap_m2"] > 0.005
    assert pairs[2, 3]["masks_adjacent"] and not pairs[1, 2]["masks_adjacent"]


@pytest.mark.parametrize("apart_m", [0.06, 0.1, 0.2])
@pytest.mark.parametrize("yaw", [0.0, 0.3])
def test_gaps_behind_a_table_top_seen_at_a_grazing_angle(apart_m: float, yaw: float) -> None:
    """Even pixels of such a top lie far apart in space: its far edge is known by its outline alone."""
    tops = Block(1.5, 0.0, 0.75, (1.4, 1.2, 0.05), yaw), Block(2.6 + apart_m, 0.2, 0.75, (0.8, 1.0, 0.05), yaw)
    room = Room((*tops, Block(2.0, -0.3, 0.8, (0.1, 0.1, 0.15), 0.4)), walls=((1.0, 0.0, 4.2),))
    low = View(eye=(0.0, 0.0, 0.95), pitch=0.12, roll=0.02, width=640, height=480, focal=520.0)
    rendered = render(room, low)
    exact = {k: points_w(rendered, k) for k in rendered.masks}
    for pair in lift_row(scenes_input(rendered), LiftSettings())["pairs"]:
        truth = _gap(exact[pair["a"]], exact[pair["b"]])
        assert pair["gap_m"] == pytest.approx(truth, rel=0.02, abs=0.003)


@pytest.mark.parametrize(("noise_rel", "bleed_px"), [(0.0, 3), (0.0, 2), (0.02, 0), (0.02, 3)])
def test_noise_and_bleed(
    rendered: RenderedImage, gaps: dict[tuple[int, int], float], noise_rel: float, bleed_px: int
) -> None:
    scene = lift_row(scenes_input(noisy(rendered, noise_rel, bleed_px, 5)), LiftSettings())
    assert scene["depth_noise_rel"] == pytest.approx(noise_rel, abs=0.1 * noise_rel + 5e-4)
    assert len(scene["objects"]) == 5
    for item in scene["objects"]:
        exact = points_w(rendered, item["object_id"])
        low, high = np.percentile(exact, [2, 98], axis=0)
        loose = 0.012 + 3.0 * noise_rel * (high - low).max()
        assert np.allclose(item["center_m"], np.median(exact, axis=0), atol=0.012 + noise_rel)
        assert np.allclose(np.subtract(item["hi_m"], item["lo_m"])[1:], (high - low)[1:], atol=loose)
    for pair in scene["pairs"]:
        truth = gaps[pair["a"], pair["b"]]
        assert pair["gap_m"] == pytest.approx(truth, abs=max(0.03, 0.1 * truth))


def test_slats_are_not_bleed() -> None:
    """Thin bars have depth steps a few pixels inside their outlines; their exact masks stay complete."""
    bars = tuple(Block(2.0, -0.5 + 0.11 * k, 0.0, (0.02, 0.022, 0.9)) for k in range(10))
    rendered = render(Room(bars, walls=((1.0, 0.0, 2.6),)), VIEW)
    scene = lift_row(scenes_input(rendered), LiftSettings())
    assert [o["n_points"] for o in scene["objects"]] == [int(mask.sum()) for mask in rendered.masks.values()]


def test_flat_objects_survive_bleed() -> None:
    room = Room((Block(2.0, 0.0, 0.0, (0.8, 1.2, 0.008)), Block(2.8, 0.9, 0.0, (0.4, 0.4, 0.8))), walls=((1.0, 0, 4),))
    scene = lift_row(scenes_input(noisy(render(room, VIEW), 0.0, 3, 1)), LiftSettings())
    rug = scene["objects"][0]
    assert rug["hi_m"][1] - rug["lo_m"][1] == pytest.approx(1.2, rel=0.06)
    assert rug["hi_m"][2] < 0.02
    assert rug["support_plane_id"] == 0


def test_occlusion_and_truncation() -> None:
    front, back = Block(1.5, 0.1, 0.0, (0.3, 0.4, 0.8)), Block(2.6, 0.35, 0.0, (0.5, 0.6, 0.9))
    scene = lift_row(scenes_input(render(Room((front, back), walls=((1.0, 0, 4),)), VIEW)), LiftSettings())
    near, far = scene["objects"]
    assert near["occlusion"] < 0.02
    assert far["occlusion"] > 0.15 and not far["size_ok"]
    aside = Block(1.6, -1.0, 0.0, (0.4, 0.4, 0.6))
    cut = lift_row(scenes_input(render(Room((aside,)), VIEW)), LiftSettings())["objects"][0]
    assert cut["truncated"] and not cut["size_ok"]


def test_amodal_box() -> None:
    c, s = np.cos(0.5), np.sin(0.5)
    level = WorldFrame(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), 1.0)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    box = {
        "center": (level.rotation.T @ [3.0, 0.5, -0.6]).tolist(),
        "size": [0.6, 0.3, 0.8],
        "rotation": (level.rotation.T @ turn).ravel().tolist(),
    }
    found = amodal_box(box, level)
    assert found is not None
    e_x, e_y, tall, long_m, short_m = found.size_m
    assert (e_x, e_y) == pytest.approx((0.6 * c + 0.3 * s, 0.6 * s + 0.3 * c))
    assert (tall, long_m, short_m) == pytest.approx((0.8, 0.6, 0.3), abs=1e-6)
    assert found.volume_m3 == pytest.approx(0.6 * 0.3 * 0.8)
    assert np.allclose(found.corners_m[:4, 2], 0.0) and np.allclose(found.corners_m[4:, 2], 0.8)
    ring = shapely.Polygon(found.corners_m[:4, :2])
    assert ring.exterior.is_ccw and ring.area == pytest.approx(0.18)
    assert amodal_box({**box, "size": [0.6, float("nan"), 0.8]}, level) is None


def test_yaw_box_is_the_minimum_area_rectangle() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        flat = rng.normal(size=(40, 2)) * rng.uniform(0.1, 2.0, 2) + rng.uniform(-5, 5, 2)
        hull = convex_hull(flat)
        assert shapely.Polygon(hull).exterior.is_ccw
        box, least = yaw_box(hull), shapely.minimum_rotated_rectangle(shapely.multipoints(flat))
        assert box.long_m * box.short_m == pytest.approx(shapely.area(least), rel=1e-4)
        assert shapely.Polygon(box.corners()).buffer(1e-5).contains(shapely.multipoints(flat))
        assert box.long_m >= box.short_m and -np.pi / 2 <= box.yaw_rad < np.pi / 2


def test_quantiles_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=997)
    shares = (0.0, 0.01, 0.02, 0.5, 0.98, 1.0)
    assert np.allclose(quantiles(values, shares), np.quantile(values, shares))


@pytest.mark.parametrize("quantile", [0.0, 0.01, 0.3, 1.0])
def test_the_points_of_a_gap_are_those_that_all_pairs_give(quantile):
    rng = np.random.default_rng(3)
    a, b = 0.2 * rng.normal(size=(300, 3)), 0.3 * rng.normal(size=(200, 3)) + [1.5, 0.0, 0.0]
    apart = np.linalg.norm(a[:, None] - b[None], axis=-1)
    nearest = np.concatenate([apart.min(axis=1), apart.min(axis=0)])
    gap_m = float(np.quantile(nearest, quantile)) * (0.5 if quantile == 1.0 else 1.0)
    one, other = facing_points(a, b, gap_m)
    found = abs(float(np.linalg.norm(one - other)) - gap_m)
    assert found == pytest.approx(np.abs(nearest - gap_m).min(), abs=1e-12)
