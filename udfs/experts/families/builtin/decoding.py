"""From the network's maps to objects: peaks, soft masks without duplicates, names."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from udfs.experts.families.builtin.grouping import affinity, object_queries
from udfs.experts.families.builtin.network import (
    CENTRE_STRIDE,
    MASK_STRIDE,
    NetworkShape,
    RoomNetwork,
    feature_count,
    positions,
    shares,
)

_MAX_OBJECTS = 40
_MIN_CELLS = 5
_DENSE_SHARE = 0.5


@dataclass(frozen=True)
class Thresholds:
    """Smallest center probability, pixel affinity and object score, and the overlap that makes a duplicate."""

    centre: float = 0.12
    pixel: float = 0.3
    double: float = 0.35
    score: float = 0.45


@dataclass(frozen=True, eq=False)
class Found:
    """Objects of one image, best first.

    `soft` [n, h/2, w/2] affinities in 0..1, `scores` [n], `kinds` [n, kinds] and `colours` [n, colors] probabilities,
    `records` [n, r] what a namer is told of each.
    """

    soft: Tensor
    scores: Tensor
    kinds: Tensor
    colours: Tensor
    records: Tensor


@torch.no_grad()
def objects_of(network: RoomNetwork, out: dict[str, Tensor], rgb: Tensor, limits: Thresholds) -> list[Found]:
    """Return the objects of each image of a batch."""
    return [
        _of_one(network, {k: v[i : i + 1] for k, v in out.items()}, rgb[i : i + 1], limits) for i in range(len(rgb))
    ]


def claimed(soft: Tensor, min_affinity: float) -> Tensor:
    """Return hard masks [n, ..] of soft ones [n, ..]: a pixel goes to the object with the highest affinity."""
    if not len(soft):
        return soft > 1
    best, owner = soft.max(0)
    number = torch.arange(len(soft), device=soft.device).view(-1, *[1] * (soft.ndim - 1))
    return (owner[None] == number) & (best >= min_affinity)


def _of_one(network: RoomNetwork, out: dict[str, Tensor], rgb: Tensor, limits: Thresholds) -> Found:
    probabilities, cells = _peaks(out["centre"][:, 0].sigmoid(), limits.centre)
    grid = positions(out["mask"])
    middle = (cells.float() + 0.5) * (CENTRE_STRIDE // MASK_STRIDE) - 0.5
    centres = torch.stack([_at(grid[0, 0, 0], middle[0, :, 0]), _at(grid[0, 1, :, 0], middle[0, :, 1])], -1)[None]
    soft = affinity(out["mask"], grid, object_queries(out["centre"], cells, centres))[0]
    hard = claimed(soft, limits.pixel)
    inside = (soft * hard).flatten(1).sum(1) / hard.flatten(1).sum(1).clamp(min=1)
    scores = (probabilities * inside).sqrt()
    kept = _without_duplicates(soft, scores, limits)
    soft = soft[kept]
    hard = claimed(soft, limits.pixel)
    large = hard.flatten(1).sum(1) >= _MIN_CELLS
    soft, hard, scores = soft[large], hard[large], scores[kept][large]
    order = scores.argsort(descending=True)
    soft, hard, scores = soft[order], hard[order], scores[order]
    records = records_of(network, out, rgb, soft * hard)
    kinds, colours = (names.exp() for names in _named(records, network))
    return Found(soft, scores, kinds, colours, records)


def records_of(network: RoomNetwork, out: dict[str, Tensor], rgb: Tensor, masks: Tensor) -> Tensor:
    """Return what the network knows of the objects of one image [n, r], by their soft masks [n, h/2, w/2].

    The log probabilities of kinds and colors come first, mixed from those of the whole object and of its pixels; then
    both of these alone, and the features.
    """
    if not len(masks):
        return masks.new_zeros(0, record_length(network.shape))
    coarse = F.avg_pool2d(masks[None], CENTRE_STRIDE // MASK_STRIDE)
    features = network.records(out, rgb, coarse)
    share, kinds = shares(coarse), len(network.shape.kinds)
    maps = (out["names"][:, 1 : kinds + 1], out["names"][:, kinds + 1 :])
    whole = [logits.log_softmax(-1) for logits in network.names_of(features)]
    pixels = [torch.bmm(share, dense.log_softmax(1).flatten(2).transpose(1, 2)) for dense in maps]
    mixed = [
        ((1 - _DENSE_SHARE) * one + _DENSE_SHARE * other).log_softmax(-1)
        for one, other in zip(whole, pixels, strict=True)
    ]
    return torch.cat([*mixed, *whole, *pixels, features], -1)[0]


def record_length(shape: NetworkShape) -> int:
    """Return how many numbers `records_of` returns of an object."""
    return 3 * (len(shape.kinds) + len(shape.colours)) + feature_count(shape)


def _named(records: Tensor, network: RoomNetwork) -> tuple[Tensor, Tensor]:
    """Return the log probabilities of kinds [n, kinds] and of colors [n, colors] in records."""
    kinds, colours = len(network.shape.kinds), len(network.shape.colours)
    return records[:, :kinds], records[:, kinds : kinds + colours]


def _at(places: Tensor, index: Tensor) -> Tensor:
    """Return evenly spaced `places` at fractional indices."""
    step = places[1] - places[0] if len(places) > 1 else places.new_tensor(0.0)
    return places[0] + index * step


def _peaks(probability: Tensor, minimum: float) -> tuple[Tensor, Tensor]:
    """Return the probabilities [n] and cells [1, n, 2] (column, row) of local maxima of a map [1, h, w]."""
    top = F.max_pool2d(probability[None], 3, 1, 1)[0]
    peaks = torch.where(probability >= top, probability, 0.0).flatten()
    best, index = peaks.topk(min(_MAX_OBJECTS, len(peaks)))
    best, index = best[best >= minimum], index[best >= minimum]
    width = probability.shape[-1]
    return best, torch.stack([index % width, index // width], -1)[None]


def _without_duplicates(soft: Tensor, scores: Tensor, limits: Thresholds) -> Tensor:
    """Return the indices of objects whose score suffices and that do not duplicate a better one."""
    flat = soft.flatten(1)
    inside = torch.minimum(flat[:, None], flat[None]).sum(2)
    union = torch.maximum(flat[:, None], flat[None]).sum(2).clamp(min=1e-6)
    overlap = inside / union
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        if scores[index] >= limits.score and all(overlap[index, other] < limits.double for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.long, device=soft.device)
