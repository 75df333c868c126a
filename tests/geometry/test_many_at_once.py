"""What is computed for many pixels or masks at once, against slow code that looks at one after the other."""

import warnings
from math import ceil, gcd

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.geometry.bleed import EXACT
from udfs.geometry.camera import Pinhole
from udfs.geometry.cleaning import Surroundings, kept_mask
from udfs.geometry.cutout import lattice
from udfs.geometry.denoising import Products, local_plane, plane_value
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.depth_steps import steps_across
from udfs.geometry.free_space import away_px
from udfs.geometry.masks import Crop, label_map, pixels_of
from udfs.geometry.primitives import middle_pixel

CAMERA = Pinhole(300.0, 300.0, 79.5, 59.5)
SHAPE = (120, 160)


def crop_of(mask: NDArray[np.uint8]) -> Crop:
    x, y, width, height = cv2.boundingRect(mask)
    rows, columns = slice(max(0, y - 8), y + height + 8), slice(max(0, x - 8), x + width + 8)
    return Crop(
        np.ascontiguousarray(mask[rows, columns]), rows, columns, (x, y, x + width, y + height), int(mask.sum())
    )


@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 9), (23, 31)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_pixels_of_a_mask_are_listed_row_by_row(shape: tuple[int, int], share: float) -> None:
    mask = (np.random.default_rng(1).random(shape) < share).astype(np.uint8)
    expected = [(u, v) for v in range(shape[0]) for u in range(shape[1]) if mask[v, u]]
    u, v = pixels_of(mask)
    assert list(zip(u.tolist(), v.tolist(), strict=True)) == expected


@pytest.mark.parametrize("max_points", [1, 7, 200, 1600, 10_000])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_a_lattice_holds_the_pixels_whose_sum_its_period_divides(max_points: int, kind: type) -> None:
    v, u = (part.ravel().astype(kind) for part in np.mgrid[5:75, 900:1010])
    period = ceil(len(u) / max_points)
    chosen = np.arange(len(u))[lattice(u, v, max_points)].tolist()
    if period <= 1:
        assert chosen == list(range(len(u)))
        return
    shift = next(k for k in range(max(1, round(period * 0.6180339887498949)), 9**9) if gcd(k, period) == 1)
    on_lattice = [k for k in range(len(u)) if (int(u[k]) + shift * int(v[k])) % period == 0]
    assert chosen == (on_lattice or list(range(0, len(u), period)))


def test_the_middle_of_a_mask_is_the_median_of_its_pixels() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        mask = np.zeros(SHAPE, np.uint8)
        mask[20:90, 30:140] = random.random((70, 110)) < 0.02
        v, u = np.nonzero(mask)
        assert middle_pixel(crop_of(mask)) == (np.median(u), np.median(v))


def test_disparity_is_zero_without_depth_and_nothing_warns() -> None:
    depth_mm = np.random.default_rng(3).integers(0, 4, SHAPE).astype(np.uint16) * 700
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        depth = DepthMap.of(depth_mm, CAMERA)
    for z_m, disparity in zip(depth.z_m.ravel(), depth.disparity.ravel(), strict=True):
        assert disparity == (np.float32(1.0) / z_m if z_m > 0 else 0.0)


def test_planes_are_fitted_around_single_pixels() -> None:
    random = np.random.default_rng(4)
    weight = (random.random((40, 50)) < 0.8).astype(np.float32)
    v, u = np.mgrid[0:40, 0:50]
    value = (weight * (0.2 + 0.003 * u - 0.002 * v + random.normal(0, 0.001, u.shape))).astype(np.float32)
    products, everywhere = Products.of(value, weight), np.arange(value.size)
    fitted, variance, count = local_plane(products, 11, everywhere)
    for place in random.integers(0, value.size, 60):
        row, column = divmod(int(place), 50)
        inside = (np.abs(v - row) <= 5) & (np.abs(u - column) <= 5) & (weight > 0)
        terms = np.stack([np.ones(inside.sum()), u[inside] - column, v[inside] - row], axis=1)
        solved, residual, *_ = np.linalg.lstsq(terms, value[inside].astype(float), rcond=None)
        assert count[place] == inside.sum()
        assert fitted[place] == pytest.approx(solved[0], abs=2e-4)
        assert variance[place] == pytest.approx(residual[0] / (inside.sum() - 3), rel=0.2, abs=2e-8)


def test_planes_around_some_pixels_are_those_around_all() -> None:
    random = np.random.default_rng(5)
    weight = (random.random((33, 47)) < 0.7).astype(np.float32)
    products = Products.of((random.random(weight.shape) * weight).astype(np.float32), weight)
    some = np.sort(random.choice(weight.size, 200, replace=False))
    everywhere = local_plane(products, 7, np.arange(weight.size))
    for part, whole in zip(local_plane(products, 7, some), everywhere, strict=True):
        assert part.tobytes() == whole[some].tobytes()
    value, count = plane_value(products, 7, some)
    assert value.tobytes() == everywhere[0][some].tobytes()
    assert count.tobytes() == everywhere[2][some].tobytes()


def _without_strays(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the lowest and the highest depth that is no stray, by walking outward from the body."""
    ordered = np.sort(values)
    last = len(ordered) - 1
    few, fringe = max(1, int(0.01 * last)), max(1, int(0.10 * last))
    gap_m = max(0.10, 0.05 * float(ordered[few]))
    spread_m = float(ordered[last - fringe] - ordered[fringe])
    wide_m = max(gap_m, 0.10 * float(ordered[fringe]), 1.5 * spread_m)

    def end(start: int, step: int, limit_m: float) -> float:
        k = start
        while 0 <= k + step <= last and abs(float(ordered[k + step]) - float(ordered[k])) <= limit_m:
            k += step
        return float(ordered[k])

    return max(end(few, -1, gap_m), end(fringe, -1, wide_m)), end(last - few, 1, gap_m)


@pytest.mark.parametrize("nearer_m", [0.0, 0.04, 0.2, 0.6])
@pytest.mark.parametrize("share", [0.004, 0.05, 0.3])
def test_strays_are_what_a_walk_outward_does_not_reach(nearer_m: float, share: float) -> None:
    random = np.random.default_rng(6)
    mask = np.zeros(SHAPE, np.uint8)
    mask[30:90, 40:120] = 1
    z_m = 1.5 + 0.05 * random.random(SHAPE) - nearer_m * (random.random(SHAPE) < share)
    z_m += 0.4 * (random.random(SHAPE) < 0.003)
    depth = DepthMap.of(np.rint(1000 * z_m).astype(np.uint16), CAMERA)
    exact = DepthMap(depth.z_m, depth.disparity, CAMERA, 1.0, None)
    crop = crop_of(mask)
    kept = kept_mask(exact, crop, EXACT, Surroundings(mask.astype(np.uint16), np.zeros_like(mask)))
    low, high = _without_strays(exact.z_m[mask > 0])
    window_m = exact.z_m[crop.window]
    assert np.array_equal(kept, crop.mask * ((window_m >= low) & (window_m <= high)))


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_steps_across_many_masks_are_those_across_each(noise: float) -> None:
    random = np.random.default_rng(7)
    z_m = np.full((240, 320), 3.0)
    crops = []
    for k, (u, v, radius) in enumerate(
        [(60, 60, 25), (150, 70, 40), (260, 120, 33), (90, 170, 52), (8, 8, 30), (200, 200, 3)]
    ):
        mask = np.zeros(z_m.shape, np.uint8)
        cv2.circle(mask, (u, v), radius, 1, -1)
        if k == 1:
            cv2.circle(mask, (u, v), 15, 0, -1)
        z_m[cv2.erode(mask, np.ones((5, 5), np.uint8), borderValue=0) > 0] = 1.0 + 0.2 * k
        crops.append(crop_of(mask))
    depth = DepthMap.of(np.rint(1000 * z_m * (1 + noise * random.normal(size=z_m.shape))).astype(np.uint16), CAMERA)
    labels, _ = label_map(crops, *z_m.shape)
    together = steps_across(depth, [(crop, crop.mask) for crop in crops], labels)
    assert sum(len(steps.offset_px) for steps in together) > 20
    for crop, steps in zip(crops, together, strict=True):
        (alone,) = steps_across(depth, [(crop, crop.mask)], labels)
        assert np.array_equal(steps.offset_px, alone.offset_px)
        assert np.array_equal(steps.neighbor, alone.neighbor)
        assert np.array_equal(steps.inward, alone.inward, equal_nan=True)


def test_no_masks_have_no_steps() -> None:
    depth = DepthMap.of(np.full(SHAPE, 1000, np.uint16), CAMERA)
    assert steps_across(depth, [], np.zeros(SHAPE, np.uint16)) == []


def test_distances_do_not_depend_on_where_a_mask_lies_in_memory() -> None:
    mask = (np.random.default_rng(8).random((61, 83)) < 0.98).astype(np.uint8)
    outside = np.argwhere(mask == 0)
    places = np.argwhere(mask == mask).reshape(*mask.shape, 2)
    exact = np.sqrt(((places[:, :, None] - outside[None, None]) ** 2).sum(axis=3).min(axis=2))
    for offset in range(0, 64, 4):
        moved = np.zeros(mask.size + 64, np.uint8)[offset : offset + mask.size].reshape(mask.shape)
        moved[:] = mask
        assert np.array_equal(away_px(moved), exact)
