"""How far masks bleed and sensors smear, told from depth made by formula."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.geometry.bleed import bleeds
from udfs.geometry.camera import Pinhole
from udfs.geometry.depth_map import DepthMap
from udfs.geometry.masks import Crop

CAMERA = Pinhole(300.0, 300.0, 159.5, 119.5)
WALL_M = 4.5


def crop_of_mask(mask: NDArray[np.uint8]) -> Crop:
    x, y, width, height = cv2.boundingRect(mask)
    rows, columns = slice(y - 3, y + height + 3), slice(x - 3, x + width + 3)
    return Crop(np.ascontiguousarray(mask[rows, columns]), rows, columns, (x, y, width, height), int(mask.sum()))


def table_top(below_eye_m: float) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """A level surface just below the eye, which the lines of sight graze, before a wall: 1 / z and the mask."""
    v, u = np.mgrid[0:240, 0:320].astype(float)
    mask = ((v >= 132) & (v < 190) & (u >= 70) & (u < 250)).astype(np.uint8)
    disparity = np.where(mask > 0, (v - CAMERA.cy) / (CAMERA.fy * below_eye_m), 1 / WALL_M)
    return disparity, mask


def plate(bevel_px: int, share: float) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """A plate before a wall, whose edges slope back by a share of the way to the wall: 1 / z and the mask."""
    mask = np.zeros((240, 320), np.uint8)
    mask[40:200, 60:260] = 1
    inside = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_C, 3)[1:-1, 1:-1].astype(float) - 1
    back = share * np.maximum(0.0, 1.0 - inside / bevel_px)
    return np.where(mask > 0, 1 / 1.5 - back * (1 / 1.5 - 1 / WALL_M), 1 / WALL_M), mask


def depth_of(disparity: NDArray[np.float64]) -> DepthMap:
    return DepthMap.of(np.rint(1000 / disparity).astype(np.uint16), CAMERA)


@pytest.mark.parametrize("below_eye_m", [0.1, 0.15, 0.2])
def test_a_surface_seen_at_a_grazing_angle_is_not_smeared(below_eye_m: float) -> None:
    disparity, mask = table_top(below_eye_m)
    (found,) = bleeds(depth_of(disparity), [crop_of_mask(mask)], mask.astype(np.uint16), overlap=False)
    assert found.smear_px == 0 and not found.width_px


@pytest.mark.parametrize("below_eye_m", [0.1, 0.15, 0.2])
@pytest.mark.parametrize("width_px", [7, 9])
def test_a_sensor_that_mixes_depths_at_outlines_is_known_by_it(below_eye_m: float, width_px: int) -> None:
    disparity, mask = table_top(below_eye_m)
    smeared = np.asarray(cv2.blur(disparity, (width_px, width_px)), np.float64)
    (found,) = bleeds(depth_of(smeared), [crop_of_mask(mask)], mask.astype(np.uint16), overlap=False)
    assert width_px // 2 - 1 <= found.smear_px <= width_px // 2 + 1


@pytest.mark.parametrize("bevel_px", [3, 5, 8])
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_sloping_edges_are_not_smeared(bevel_px: int, share: float) -> None:
    disparity, mask = plate(bevel_px, share)
    (found,) = bleeds(depth_of(disparity), [crop_of_mask(mask)], mask.astype(np.uint16), overlap=False)
    assert found.smear_px == 0 and not found.width_px


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_flying_pixels_on_sloping_edges_are_smeared(share: float) -> None:
    disparity, mask = plate(5, share)
    size = np.ones((7, 7))
    near, far = cv2.dilate(disparity, size), cv2.erode(disparity, size)
    rng = np.random.default_rng(3)
    flying = (near - far > 0.1 * far) & (rng.random(mask.shape) < 0.5)
    mixed = np.where(flying, far + rng.random(mask.shape) * (near - far), disparity)
    (found,) = bleeds(depth_of(mixed), [crop_of_mask(mask)], mask.astype(np.uint16), overlap=False)
    assert found.smear_px >= 2
