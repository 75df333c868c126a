"""Factors of the declared errors, from errors that are known beforehand."""

import math

import pytest
import torch

from tests.experts.builtin_network import small_network
from vlm.builtin.batches import Batch
from vlm.builtin.calibration import calibrated
from vlm.builtin.measures import Outputs

IMAGES, HEIGHT, WIDTH = 4, 48, 64
SIGMAS = 1.2816


def seen(shared: float, own: float, turn_rad: float, miss: float) -> Outputs:
    """Return outputs that are off by known amounts: a map's scale, two objects against it, gravity, focal length."""
    ids = torch.zeros(IMAGES, HEIGHT // 2, WIDTH // 2, dtype=torch.int64)
    ids[:, 2:8, 2:10], ids[:, 12:20, 12:28] = 1, 2
    log_depth, log_focal = torch.full(ids.shape, 0.7), torch.full((IMAGES,), 0.4)
    objects = torch.zeros(IMAGES, 2, 4, dtype=torch.int64)
    gravity = torch.tensor([[0.0, 1.0, 0.0]]).expand(IMAGES, 3)
    rgb = torch.zeros(IMAGES, 3, HEIGHT, WIDTH)
    present, has = torch.ones(IMAGES, 2, dtype=torch.bool), torch.ones(IMAGES, dtype=torch.bool)
    batch = Batch(rgb, ids, log_depth, objects, present, log_focal, has, gravity)
    with torch.no_grad():
        out = small_network()(rgb)
    error = shared + own * (ids > 0).float() * torch.where(ids == 1, 1.0, -1.0)
    depth = torch.stack([log_depth - 0.4 + error, torch.full(ids.shape, math.log(0.1))], 1)
    up = torch.tensor([[math.sin(turn_rad), math.cos(turn_rad), 0.0]]).expand(IMAGES, 3)
    scales = {"gravity_scale": torch.full((IMAGES,), math.log(0.02))}
    focal = torch.stack([log_focal + miss, torch.full((IMAGES,), math.log(0.05))], 1)
    return Outputs(batch, {**out, "depth": depth, "gravity": up, "focal": focal, **scales})


def test_factors_are_errors_over_what_the_network_declares():
    found = calibrated(small_network(), [seen(shared=0.2, own=0.05, turn_rad=0.03, miss=0.1)])
    assert found.scale == pytest.approx(0.2 / 0.1 / SIGMAS, rel=1e-3)
    assert found.depth == pytest.approx(0.05 / 0.1 / SIGMAS, rel=1e-3)
    assert found.gravity == pytest.approx(0.03 / 0.02 / SIGMAS, rel=1e-3)
    assert found.focal == pytest.approx(0.1 / 0.05 / SIGMAS, rel=1e-3)
    assert found.pixels == WIDTH * HEIGHT


def test_a_shared_error_is_none_of_the_objects():
    found = calibrated(small_network(), [seen(shared=0.3, own=0.0, turn_rad=0.0, miss=0.0)])
    assert found.depth == pytest.approx(0.0, abs=1e-5)
    assert found.scale > 2
