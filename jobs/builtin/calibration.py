"""How far off the network is on held-out pictures, against what it says of itself."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from jobs.builtin.measures import Outputs, measured
from udfs.experts.builtin.decoding import Thresholds
from udfs.experts.builtin.network import RoomNetwork
from udfs.experts.builtin.weights import Calibration

_HELD = 0.8
# 80 % of normal errors are within this many sigmas
_SIGMAS = 1.2816
_SCORES = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


def calibrated(network: RoomNetwork, seen: Sequence[Outputs]) -> Calibration:
    """Return factors with which 80 % intervals hold the truth, and thresholds that balance misses and false finds."""
    errors = _errors(seen)
    depth = _factor(errors["depth"] / errors["depth_scale"])
    own = depth * errors["depth_scale"]
    factors = np.linspace(0.0, 4.0, 81)
    held = [(errors["range"] <= _SIGMAS * np.hypot(own, f * errors["focal_scale"])).mean() for f in factors]
    return Calibration(
        depth=depth,
        focal=float(factors[int(np.argmin(np.abs(np.array(held) - _HELD)))]),
        gravity=_factor(errors["gravity"] / errors["gravity_scale"]),
        pixels=seen[0].batch.rgb.shape[-1] * seen[0].batch.rgb.shape[-2],
        thresholds=_thresholds(network, seen),
    )


def _factor(ratios: np.ndarray) -> float:
    return float(np.quantile(ratios, _HELD) / _SIGMAS)


def _errors(seen: Sequence[Outputs]) -> dict[str, np.ndarray]:
    """Return errors of pixels and pictures beside the scales that the network gives."""
    found: dict[str, list[np.ndarray]] = {}
    for one in seen:
        batch, out = one.batch, one.out
        error = out["depth"][:, 0] + batch.log_focal[:, None, None] - batch.log_depth
        known = error.isfinite()
        shift = out["focal"][:, 0] - batch.log_focal
        scale = out["depth"][:, 1].clamp(-4, 2).exp().mean((1, 2), keepdim=True).expand_as(error)
        focal = out["focal"][:, 1].clamp(-5, 1).exp()[:, None, None].expand_as(error)
        turned = torch.linalg.cross(out["gravity"], batch.gravity).norm(dim=1)
        angle = torch.atan2(turned, (out["gravity"] * batch.gravity).sum(1))
        values = {
            "depth": error[known].abs(),
            "depth_scale": scale[known],
            "range": (error + shift[:, None, None])[known].abs(),
            "focal_scale": focal[known],
            "gravity": angle[angle.isfinite()],
            "gravity_scale": out["gravity_scale"].clamp(-5, 1).exp()[angle.isfinite()],
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value.numpy(force=True))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _thresholds(network: RoomNetwork, seen: Sequence[Outputs]) -> Thresholds:
    """Return the thresholds with the best harmonic mean of recall and precision."""
    best, chosen = -1.0, Thresholds()
    for score in _SCORES:
        limits = replace(Thresholds(), score=score)
        found = measured(network, seen, limits)
        recall, precision = found["mask_recall_50"], found["mask_precision_50"]
        balance = 2 * recall * precision / max(recall + precision, 1e-6)
        if balance > best:
            best, chosen = balance, limits
    return chosen
