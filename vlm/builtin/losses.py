"""The training losses; an example without a label does not contribute to its loss."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from udfs.experts.families.builtin.grouping import affinity, object_queries
from udfs.experts.families.builtin.network import CENTRE_STRIDE, MASK_STRIDE, RoomNetwork, positions
from vlm.builtin.batches import Batch
from vlm.builtin.example import IGNORED, UNNAMED

WEIGHTS = {
    "foreground": 1.0,
    "offset": 4.0,
    "centre": 1.0,
    "overlap": 2.0,
    "dense_kind": 0.5,
    "dense_color": 0.25,
    "kind": 1.0,
    "color": 0.5,
    "depth": 1.0,
    "edges": 1.0,
    "range": 0.5,
    "gravity": 1.0,
    "gravity_cells": 2.0,
    "focal": 0.3,
}
_RATIO = CENTRE_STRIDE // MASK_STRIDE
_SMOOTHING = 0.05


def losses(network: RoomNetwork, batch: Batch, phase: tuple[int, int], half: bool = False) -> dict[str, Tensor]:
    """Return the losses by name; `phase` (row, column; 0 or 1) selects the mask cells that are grouped.

    With `half`, the network computes in bfloat16, the losses in float32.
    """
    with torch.autocast(batch.rgb.device.type, torch.bfloat16, enabled=half):
        out = network(batch.rgb)
    real = batch.has_objects
    grid = positions(batch.ids[:, None])
    found: dict[str, Tensor] = {}
    if bool(real.any()):
        owned = (batch.ids > 0) & (batch.ids < IGNORED) & real[:, None, None]
        share = _object_shares(batch, owned)
        found["foreground"] = _foreground(out["mask"][:, 0], batch, share)
        found["offset"] = _offset(out["mask"][:, 1:3], batch, grid, share)
        found["centre"] = _centre(out["centre"][:, 0], batch)
        found["overlap"], masks = _overlap(out, batch, grid, phase)
        found |= _naming(network, out, batch, masks, share)
    return found | _geometry(out, batch)


def total(found: dict[str, Tensor]) -> Tensor:
    """Return the weighted sum of the losses."""
    return torch.stack([WEIGHTS[name] * value for name, value in found.items()]).sum()


def _object_shares(batch: Batch, owned: Tensor) -> Tensor:
    """Return pixel weights [b, h, w] that sum to 1; an object weighs the square root of its area."""
    counts = torch.zeros(len(batch.ids), IGNORED + 1).scatter_add_(
        1, batch.ids.flatten(1), torch.ones_like(batch.ids, dtype=torch.float32).flatten(1)
    )
    weight = owned * counts.gather(1, batch.ids.flatten(1)).view_as(batch.ids).clamp(min=1).rsqrt()
    return weight / weight.sum().clamp(min=1e-6)


def _foreground(logits: Tensor, batch: Batch, share: Tensor) -> Tensor:
    real = batch.has_objects[:, None, None].expand_as(batch.ids)
    every = F.binary_cross_entropy_with_logits(logits, (batch.ids > 0).float(), reduction="none")
    return 0.5 * every[real].mean() + 0.5 * (every * share).sum()


def _centres(batch: Batch, grid: Tensor) -> Tensor:
    """Return the object centers [b, n, 2] in half diagonals."""
    columns, rows = batch.objects[..., 2].clamp(min=0), batch.objects[..., 3].clamp(min=0)
    return torch.stack([grid[0, 0, 0][columns], grid[0, 1, :, 0][rows]], -1)


def _offset(offset: Tensor, batch: Batch, grid: Tensor, share: Tensor) -> Tensor:
    centres = _centres(batch, grid)
    owner = (batch.ids - 1).clamp(0, centres.shape[1] - 1).flatten(1)
    target = centres.gather(1, owner[..., None].expand(-1, -1, 2)).transpose(1, 2).view_as(offset) - grid
    return ((offset - target).abs().sum(1) * share).sum()


def _centre(logits: Tensor, batch: Batch) -> Tensor:
    """Return the penalty-reduced focal loss of CenterNet (arXiv 1904.07850)."""
    target = _heat(batch, logits.shape[-2:])
    real = batch.has_objects[:, None, None].float()
    probability = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = (target > 0.999).float()
    hit = peak * (1 - probability) ** 2 * -probability.log()
    miss = (1 - peak) * (1 - target) ** 4 * probability**2 * -(1 - probability).log()
    return ((hit + miss) * real).sum() / (peak * real).sum().clamp(min=1)


def _heat(batch: Batch, size: torch.Size) -> Tensor:
    """Return a map [b, h, w] of Gaussians around object centers, 1 at the center's cell."""
    rows, columns = torch.arange(size[0]).float(), torch.arange(size[1]).float()
    x, y = batch.objects[..., 2] // _RATIO, batch.objects[..., 3] // _RATIO
    number = torch.arange(1, batch.objects.shape[1] + 1)
    area = (batch.ids[:, None] == number[None, :, None, None]).flatten(2).sum(2).float() / _RATIO**2
    sigma = (area.sqrt() / 7).clamp(0.7, 3.0)[..., None]
    across = torch.exp(-((columns - x[..., None]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((rows - y[..., None]) ** 2) / (2 * sigma**2))
    heat = down[..., :, None] * across[..., None, :] * batch.present[..., None, None]
    return heat.amax(1)


def _overlap(
    out: dict[str, Tensor], batch: Batch, grid: Tensor, phase: tuple[int, int]
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return one minus the soft overlap of grouped with true masks, and both masks [b, n, h/4, w/4]."""
    rows, columns = slice(phase[0], None, _RATIO), slice(phase[1], None, _RATIO)
    mask, ids, places = out["mask"][..., rows, columns], batch.ids[:, rows, columns], grid[..., rows, columns]
    cells = torch.stack([batch.objects[..., 2], batch.objects[..., 3]], -1).clamp(min=0) // _RATIO
    centres = _centres(batch, grid)
    grouped = affinity(mask, places, object_queries(out["centre"], cells, centres))
    number = torch.arange(1, batch.objects.shape[1] + 1)
    truth = (ids[:, None] == number[None, :, None, None]).float()
    counted = ((ids != IGNORED)[:, None]).float()
    inside = (grouped * truth).flatten(2).sum(2)
    both = ((grouped + truth) * counted).flatten(2).sum(2)
    dice = 1 - (2 * inside + 1) / (both + 1)
    chosen = batch.present & batch.has_objects[:, None]
    return dice[chosen].mean(), (grouped.detach(), truth)


def _naming(
    network: RoomNetwork, out: dict[str, Tensor], batch: Batch, masks: tuple[Tensor, Tensor], share: Tensor
) -> dict[str, Tensor]:
    """Return the losses of kinds and colors; `masks` are the grouped and the true ones [b, n, h/4, w/4]."""
    kinds, colours = network.objects(out, batch.rgb, _mixed(*masks))
    return _dense(network, out["names"], batch, share) | {
        "kind": _cross_entropy(kinds, batch.objects[..., 0], batch.present),
        "color": _cross_entropy(colours, batch.objects[..., 1], batch.present),
    }


def _mixed(grouped: Tensor, truth: Tensor) -> Tensor:
    """Return true masks, replaced for every second object by the grouped mask once that is similar."""
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
    kind_losses = F.cross_entropy(names[:, : kinds + 1], target.clamp(min=0), reduction="none")
    ground = (kind_losses * empty).sum() / empty.sum().clamp(min=1)
    things = (kind_losses * weight * known).sum() / (weight * known).sum().clamp(min=1e-6)
    tinted = (weight > 0) & (colour != UNNAMED)
    hues = F.cross_entropy(names[:, kinds + 1 :], colour.clamp(min=0), reduction="none")
    return {
        "dense_kind": things + ground,
        "dense_color": (hues * weight * tinted).sum() / (weight * tinted).sum().clamp(min=1e-6),
    }


def _geometry(out: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Return the losses of depth, gravity and focal length."""
    found: dict[str, Tensor] = {}
    scaled = batch.log_depth - batch.log_focal[:, None, None]
    known = scaled.isfinite()
    if bool(known.any()):
        error = torch.where(known, out["depth"][:, 0] - torch.where(known, scaled, 0.0), 0.0)
        scale = out["depth"][:, 1].clamp(-4, 2)
        found["depth"] = (error.abs() * torch.exp(-scale) + scale)[known].mean()
        found["edges"] = _edges(error, known)
        shift = batch.log_focal.nan_to_num()[:, None, None]
        found["range"] = (error + out["focal"][:, :1, None] - shift).abs()[known].mean()
    aimed = batch.gravity.isfinite().all(1)
    if bool(aimed.any()):
        gravity = batch.gravity[aimed]
        chord = (out["gravity"][aimed] - gravity).norm(dim=1)
        scale = out["gravity_scale"][aimed].clamp(-5, 1)
        found["gravity"] = (chord * torch.exp(-scale) + scale).mean()
        found["gravity_cells"] = (out["gravity_cells"][aimed] - gravity[:, :, None, None]).norm(dim=1).mean()
    measured = batch.log_focal.isfinite()
    if bool(measured.any()):
        scale = out["focal"][measured, 1].clamp(-5, 1)
        miss = (out["focal"][measured, 0] - batch.log_focal[measured]).abs()
        found["focal"] = (miss * torch.exp(-scale) + scale).mean()
    return found


def _edges(error: Tensor, known: Tensor) -> Tensor:
    """Return the gradient-matching loss at three resolutions (arXiv 1804.00607)."""
    parts: list[Tensor] = []
    for step in (1, 2, 4):
        e, k = error[:, ::step, ::step], known[:, ::step, ::step]
        across, down = k[:, :, 1:] & k[:, :, :-1], k[:, 1:] & k[:, :-1]
        parts.append(((e[:, :, 1:] - e[:, :, :-1]).abs() * across).sum() / across.sum().clamp(min=1))
        parts.append(((e[:, 1:] - e[:, :-1]).abs() * down).sum() / down.sum().clamp(min=1))
    return torch.stack(parts).sum() / math.sqrt(len(parts))
