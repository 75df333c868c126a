"""Losses of what an object is called: over its pixels, and over the object as a whole."""

import torch
from torch import Tensor
from torch.nn import functional as F

from udfs.experts.families.builtin.network import CENTRE_STRIDE, MASK_STRIDE, RoomNetwork
from vlm.builtin.batches import Batch
from vlm.builtin.example import UNNAMED

_RATIO = CENTRE_STRIDE // MASK_STRIDE
_SMOOTHING = 0.05


def naming_losses(
    network: RoomNetwork, out: dict[str, Tensor], batch: Batch, masks: tuple[Tensor, Tensor], share: Tensor
) -> dict[str, Tensor]:
    """Return the losses of kinds and colours; `masks` are the grouped and the true ones [b, n, h/4, w/4]."""
    kinds, colours = network.objects(out, batch.rgb, _mixed(*masks))
    return _dense(network, out["names"], batch, share) | {
        "kind": _cross_entropy(kinds, batch.objects[..., 0], batch.present),
        "colour": _cross_entropy(colours, batch.objects[..., 1], batch.present),
    }


def _mixed(grouped: Tensor, truth: Tensor) -> Tensor:
    """Return true masks, and for every second object the grouped one as soon as it resembles it."""
    inside, both = (grouped * truth).flatten(2).sum(2), (grouped + truth).flatten(2).sum(2)
    alike = 2 * inside / both.clamp(min=1e-3) > 0.6
    second = (torch.arange(grouped.shape[1]) % 2 == 1)[None]
    return torch.where((alike & second)[..., None, None], grouped, truth)


def _cross_entropy(logits: Tensor, names: Tensor, present: Tensor) -> Tensor:
    named = present & (names != UNNAMED)
    if not bool(named.any()):
        return logits.sum() * 0
    return F.cross_entropy(logits[named], names[named], label_smoothing=_SMOOTHING)


def _dense(network: RoomNetwork, names: Tensor, batch: Batch, share: Tensor) -> dict[str, Tensor]:
    kinds = len(network.shape.kinds)
    cells, weight = batch.ids[:, ::_RATIO, ::_RATIO], share[:, ::_RATIO, ::_RATIO]
    owner = (cells - 1).clamp(0, batch.objects.shape[1] - 1).flatten(1)
    kind, colour = (batch.objects[..., i].gather(1, owner).view_as(cells) for i in (0, 1))
    empty = (cells == 0) & batch.has_objects[:, None, None]
    known = (weight > 0) & (kind != UNNAMED)
    target = torch.where(empty, 0, kind + 1)
    chances = F.cross_entropy(names[:, : kinds + 1], target.clamp(min=0), reduction="none")
    ground = (chances * empty).sum() / empty.sum().clamp(min=1)
    things = (chances * weight * known).sum() / (weight * known).sum().clamp(min=1e-6)
    tinted = (weight > 0) & (colour != UNNAMED)
    hues = F.cross_entropy(names[:, kinds + 1 :], colour.clamp(min=0), reduction="none")
    return {
        "dense_kind": things + ground,
        "dense_colour": (hues * weight * tinted).sum() / (weight * tinted).sum().clamp(min=1e-6),
    }
