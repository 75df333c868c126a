"""Calibration of the network's own uncertainties on held-out images."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from udfs.experts.families.builtin.decoding import Found, Thresholds, objects_of
from udfs.experts.families.builtin.network import RoomNetwork
from udfs.experts.families.builtin.weights import Calibration, object_probability_features
from vlm.builtin.batches import Batch
from vlm.builtin.logistic import logistic
from vlm.builtin.measures import Compared, Outputs, angles_rad, compared, measured

_COVERAGE = 0.8
# 80 % of normal errors lie within this many sigmas.
_SIGMAS = 1.2816
_SCORES = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
_MIN_PX = 8


def calibrated(network: RoomNetwork, seen: Sequence[Outputs]) -> Calibration:
    """Return the factors that make 80 % intervals contain 80 % of truths, thresholds, and score calibration."""
    geometry, thresholds = _geometry(seen), _thresholds(network, seen)
    objects = list(_objects(network, seen, thresholds))
    return Calibration(
        depth=_factor(geometry["local"]),
        scale=_factor(geometry["scale"]),
        focal=_factor(geometry["focal"]),
        gravity=_factor(geometry["gravity"]),
        edge=_factor(np.concatenate([_edges(one) for _, _, one in objects] or [np.zeros(0)])),
        object_probability=_probability(objects),
        pixels=seen[0].batch.rgb.shape[-1] * seen[0].batch.rgb.shape[-2],
        thresholds=thresholds,
    )


def _factor(ratios: NDArray[np.float64]) -> float:
    return float(np.quantile(ratios, _COVERAGE) / _SIGMAS) if len(ratios) else 1.0


def _geometry(seen: Sequence[Outputs]) -> dict[str, NDArray[np.float64]]:
    """Return errors divided by the predicted scales.

    `scale` is that of a whole map and `local` what is left of it at each object, both with the focal length known.
    """
    found: dict[str, list[float]] = {"scale": [], "local": [], "focal": [], "gravity": []}
    for one in seen:
        turned = angles_rad(one.out["gravity"], one.batch.gravity) / one.out["gravity_scale"].clamp(-5, 1).exp()
        found["gravity"] += turned[turned.isfinite()].tolist()
        for place in range(len(one.batch.rgb)):
            for name, values in _of_image(one.batch, one.out, place).items():
                found[name] += values
    return {name: np.array(values) for name, values in found.items()}


def _of_image(batch: Batch, out: dict[str, Tensor], place: int) -> dict[str, list[float]]:
    error = out["depth"][place, 0] + batch.log_focal[place] - batch.log_depth[place]
    known = error.isfinite()
    found: dict[str, list[float]] = {}
    if bool(known.any()):
        scale = float(out["depth"][place, 1].clamp(-4, 2).exp().mean())
        shared = error[known].median()
        found["scale"] = [abs(float(shared)) / scale]
        masks = (batch.ids[place] == number for number in range(1, int(batch.present[place].sum()) + 1))
        parts = (error[mask & known] for mask in masks)
        found["local"] = [abs(float(part.median() - shared)) / scale for part in parts if len(part) >= _MIN_PX]
    miss = out["focal"][place, 0] - batch.log_focal[place]
    if bool(miss.isfinite()):
        found["focal"] = [float(miss.abs() / out["focal"][place, 1].clamp(-5, 1).exp())]
    return found


def _objects(
    network: RoomNetwork, seen: Sequence[Outputs], limits: Thresholds
) -> Iterator[tuple[Found, int, Compared]]:
    """Yield for each image with objects: the detections, the number of cells, and the comparison with the truth."""
    for one in seen:
        for place, found in enumerate(objects_of(network, one.out, one.batch.rgb, limits)):
            if bool(one.batch.has_objects[place]) and len(found.scores):
                yield found, one.batch.ids[place].numel(), compared(one.batch, place, found, limits.pixel)


def _edges(one: Compared) -> NDArray[np.float64]:
    """Return the errors of the four sides of matched masks, divided by the square roots of their areas."""
    ratios: list[float] = []
    for claim in torch.nonzero(one.shown).flatten().tolist():
        truth = one.truths[int(one.overlap[claim].argmax())]
        side = float(one.hard[claim].sum()) ** 0.5
        apart = _sides(one.hard[claim]) - _sides(truth)
        ratios += (np.abs(apart) / side).tolist()
    return np.array(ratios)


def _sides(mask: Tensor) -> NDArray[np.float64]:
    """Return the 2nd and 98th percentiles of a mask's rows and columns, which define extents."""
    rows, columns = np.nonzero(mask.numpy(force=True))
    return np.concatenate([np.quantile(rows, (0.02, 0.98)), np.quantile(columns, (0.02, 0.98))])


def _probability(objects: Sequence[tuple[Found, int, Compared]]) -> tuple[float, float, float]:
    """Return the logistic weights of score and size, and the offset, for the probability that a mask is correct."""
    x: list[Tensor] = []
    y: list[Tensor] = []
    for found, cells, one in objects:
        shares = one.hard.flatten(1).sum(1) / cells
        x.append(object_probability_features(found.scores, shares)[~one.moot])
        y.append(one.shown[~one.moot].long())
    labels = torch.cat(y) if y else torch.zeros(0, dtype=torch.long)
    if len(labels.unique()) < 2:
        return Calibration().object_probability
    weight, _ = logistic(torch.cat(x), labels, 2)
    of_score, of_size, offset = (weight[:, 1] - weight[:, 0]).tolist()
    return of_score, of_size, offset


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
