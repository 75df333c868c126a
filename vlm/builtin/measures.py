"""Metrics of a network on held-out images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from udfs.experts.families.builtin.decoding import Found, Thresholds, claimed, objects_of
from udfs.experts.families.builtin.network import RoomNetwork
from vlm.builtin.batches import Batch, batch_of
from vlm.builtin.example import IGNORED, UNNAMED
from vlm.builtin.pack import Pack

_AT_ONCE = 8
_MIN_SHARE = 0.01
_OVERLAP = 0.5


@dataclass
class Tally:
    """Counts and errors, accumulated over images."""

    truths: int = 0
    found: int = 0
    claims: int = 0
    correct: int = 0
    kind_correct: int = 0
    color_correct: int = 0
    both_correct: int = 0
    errors: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, *values: float) -> None:
        """Append errors under a name."""
        self.errors.setdefault(name, []).extend(values)


@dataclass(frozen=True, eq=False)
class Outputs:
    """A batch with the network's outputs."""

    batch: Batch
    out: dict[str, Tensor]


@torch.no_grad()
def outputs(network: RoomNetwork, pack: Pack, first: int, last: int) -> Iterator[Outputs]:
    """Yield the network's outputs for images `first` to `last`, in full precision."""
    network.eval()
    for start in range(first, min(last, pack.count), _AT_ONCE):
        batch = batch_of(pack, np.arange(start, min(start + _AT_ONCE, last, pack.count)))
        yield Outputs(batch, network(batch.rgb))


def measured(network: RoomNetwork, seen: Iterable[Outputs], limits: Thresholds) -> dict[str, float]:
    """Return the metrics of images; objects smaller than 1 % of the image are ignored."""
    tally = Tally()
    for one in seen:
        for place, found in enumerate(objects_of(network, one.out, one.batch.rgb, limits)):
            if bool(one.batch.has_objects[place]):
                _count_objects(tally, one.batch, place, found, limits.pixel)
        _count_geometry(tally, one.out, one.batch)
    return _summary(tally)


@dataclass(frozen=True, eq=False)
class Compared:
    """Predicted masks `hard` [a, h, w] and true masks `truths` [b, h, w] of one image, with their IoU `overlap` [a, b].

    Predictions on ignored pixels are `moot` [a]: neither correct nor wrong.
    """

    hard: Tensor
    truths: Tensor
    overlap: Tensor
    moot: Tensor

    @property
    def shown(self) -> Tensor:
        """Whether each prediction [a] matches an object."""
        best = self.overlap.max(1).values if self.overlap.shape[1] else torch.zeros(len(self.hard))
        return best >= _OVERLAP


def compared(batch: Batch, place: int, found: Found, min_pixel: float) -> Compared:
    """Compare the predictions for one image with its objects."""
    ids = batch.ids[place]
    hard = claimed(found.soft, min_pixel)
    areas = hard.flatten(1).sum(1)
    numbers = torch.arange(1, int(batch.present[place].sum()) + 1)
    truths = ids[None] == numbers[:, None, None]
    inside = torch.einsum("ahw,bhw->ab", hard.float(), truths.float())
    overlap = inside / (areas[:, None] + truths.flatten(1).sum(1)[None] - inside).clamp(min=1)
    moot = (hard & (ids == IGNORED)).flatten(1).sum(1) > 0.5 * areas
    return Compared(hard, truths, overlap, moot)


def _count_objects(tally: Tally, batch: Batch, place: int, found: Found, min_pixel: float) -> None:
    objects, one = batch.objects[place], compared(batch, place, found, min_pixel)
    pixels = batch.ids[place].numel()
    large = (one.hard.flatten(1).sum(1) >= _MIN_SHARE * pixels) & ~one.moot
    tally.claims += int(large.sum())
    tally.correct += int(one.shown[large].sum())
    for number in range(len(one.truths)):
        if int(one.truths[number].sum()) < _MIN_SHARE * pixels:
            continue
        tally.truths += 1
        if not len(one.hard) or float(one.overlap[:, number].max()) < _OVERLAP:
            continue
        match = int(one.overlap[:, number].argmax())
        kind, color = int(objects[number, 0]), int(objects[number, 1])
        kind_correct = kind == int(found.kinds[match].argmax())
        color_correct = color in (UNNAMED, int(found.colours[match].argmax()))
        tally.found += 1
        tally.kind_correct += kind_correct
        tally.color_correct += color_correct
        tally.both_correct += kind_correct and color_correct


def angles_rad(one: Tensor, two: Tensor) -> Tensor:
    """Return the angles [b] between vectors [b, 3]; NaN for unknown ones."""
    return torch.atan2(torch.linalg.cross(one, two).norm(dim=1), (one * two).sum(1))


def _count_geometry(tally: Tally, out: dict[str, Tensor], batch: Batch) -> None:
    degrees = torch.rad2deg(angles_rad(out["gravity"], batch.gravity))
    focal = (out["focal"][:, 0] - batch.log_focal).abs()
    tally.add("gravity_deg", *degrees[degrees.isfinite()].tolist())
    tally.add("gravity_claim", *(degrees / torch.rad2deg(out["gravity_scale"].exp()))[degrees.isfinite()].tolist())
    tally.add("focal", *focal[focal.isfinite()].tolist())
    for place in range(len(batch.rgb)):
        truth = batch.log_depth[place]
        known = truth.isfinite()
        if not bool(known.any()) or not bool(batch.log_focal[place].isfinite()):
            continue
        scaled = out["depth"][place, 0][known]
        for name, shift in (("depth", out["focal"][place, 0]), ("depth_known_focal", batch.log_focal[place])):
            ratio = torch.exp(scaled + shift - truth[known])
            tally.add(f"{name}_abs_rel", float((ratio - 1).abs().mean()))
            tally.add(f"{name}_delta", float((torch.maximum(ratio, 1 / ratio) < 1.25).float().mean()))
        ratio = torch.exp(scaled - truth[known])
        tally.add("depth_shape_abs_rel", float((ratio / ratio.median() - 1).abs().mean()))


def _summary(tally: Tally) -> dict[str, float]:
    def mean(name: str) -> float:
        return float(np.mean(tally.errors.get(name) or [np.nan]))

    def at(name: str, share: float) -> float:
        return float(np.quantile(tally.errors.get(name) or [np.nan], share))

    return {
        "mask_recall_50": tally.found / max(tally.truths, 1),
        "mask_precision_50": tally.correct / max(tally.claims, 1),
        "kind_right": tally.kind_correct / max(tally.found, 1),
        "color_right": tally.color_correct / max(tally.found, 1),
        "name_right": tally.both_correct / max(tally.found, 1),
        "depth_abs_rel": mean("depth_abs_rel"),
        "depth_delta_125": mean("depth_delta"),
        "depth_known_focal_abs_rel": mean("depth_known_focal_abs_rel"),
        "depth_known_focal_delta_125": mean("depth_known_focal_delta"),
        "depth_shape_abs_rel": mean("depth_shape_abs_rel"),
        "gravity_median_deg": at("gravity_deg", 0.5),
        "gravity_p90_deg": at("gravity_deg", 0.9),
        "focal_median_rel": at("focal", 0.5),
    }
