"""Training of the namer on packed crops: augmented batches, steps, a running mean of the weights, checkpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from udfs.experts.families.builtin.namer import NamerShape, ObjectNamer
from vlm.builtin.batches import drawn
from vlm.builtin.example import UNNAMED
from vlm.loop.checkpoint import write_whole
from vlm.loop.optimizer import schedule

_RATE = 3e-3
_DECAY = 0.3
_WARM_UP = 200
_COOLDOWN = 0.6
_AVERAGE = 0.998
_LONGEST_GRADIENT = 5.0
_COLOR_WEIGHT = 0.5
# Of the packed crop's side, which shows a margin: 0.8 is what the namer sees.
_ZOOMS = (0.7, 1.0)

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Crops:
    """A batch: `crops` [n, 4, s, s] in 0..1, `records` [n, r], and `kinds` and `colors` [n] int64, -1 where unknown."""

    crops: Tensor
    records: Tensor
    kinds: Tensor
    colors: Tensor


def crops_of(arrays: Arrays, examples: NDArray[Any], size_px: int, rng: np.random.Generator | None = None) -> Crops:
    """Return packed examples as a batch: augmented if `rng` is given, and as the namer sees them otherwise."""
    names = torch.from_numpy(arrays["name"][examples].astype(np.int64))
    records = torch.from_numpy(arrays["record"][examples].astype(np.float32))
    packed = torch.from_numpy(arrays["crop"][examples]).permute(0, 3, 1, 2).float() / 255
    if rng is not None:
        return Crops(_varied(packed, size_px, rng), _noisy(records, rng), names[:, 0], names[:, 1])
    start = (packed.shape[-1] - size_px) // 2
    shown = packed[..., start : start + size_px, start : start + size_px]
    return Crops(shown.contiguous(memory_format=torch.channels_last), records, names[:, 0], names[:, 1])


def _varied(packed: Tensor, size_px: int, rng: np.random.Generator) -> Tensor:
    """Zoom, shift, stretch and mirror crops, and vary light, sharpness, noise and the outline of the mask."""
    count = len(packed)
    zoom = rng.uniform(*_ZOOMS, (count, 1)) * np.exp(rng.normal(0, 0.05, (count, 2)))
    zoom = np.minimum(zoom, 1.0)
    shift = rng.uniform(-1, 1, (count, 2)) * np.minimum(1 - zoom, 0.1)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0] = zoom[:, 0] * np.where(rng.random(count) < 0.5, -1, 1)
    theta[:, 1, 1] = zoom[:, 1]
    theta[:, :, 2] = shift
    grid = F.affine_grid(torch.from_numpy(theta), [count, 4, size_px, size_px], align_corners=False)
    crops = F.grid_sample(packed, grid, padding_mode="border", align_corners=False)
    rgb, mask = crops[:, :3], crops[:, 3:]
    gains = np.exp(rng.normal(0, 0.08, (count, 1)) + rng.normal(0, 0.02, (count, 3))).astype(np.float32)
    rgb = (rgb * torch.from_numpy(gains)[..., None, None]).clamp(0, 1)
    coarse = torch.from_numpy(rng.random(count) < 0.2)
    if bool(coarse.any()):
        small = F.interpolate(rgb[coarse], scale_factor=0.5, mode="area")
        rgb[coarse] = F.interpolate(small, size=size_px, mode="bilinear", align_corners=False)
    noise = torch.from_numpy(rng.integers(-127, 128, tuple(rgb.shape), dtype=np.int8)).float()
    rgb = rgb + noise * torch.from_numpy(rng.uniform(0, 0.02 / 74, (count, 1, 1, 1)).astype(np.float32))
    for chosen, sign in zip(np.array_split(rng.permutation(count)[: count // 3], 2), (1, -1), strict=True):
        mask[chosen] = sign * F.max_pool2d(sign * mask[chosen], 3, 1, 1)
    return torch.cat([rgb.clamp(0, 1), mask], 1).contiguous(memory_format=torch.channels_last)


def _noisy(records: Tensor, rng: np.random.Generator) -> Tensor:
    factors = 1 + 0.05 * rng.standard_normal(tuple(records.shape), np.float32)
    return records * torch.from_numpy(factors)


def naming_loss(kinds: Tensor, colors: Tensor, batch: Crops) -> Tensor:
    """Return the loss of kind and color logits."""
    kind = F.cross_entropy(kinds, batch.kinds, ignore_index=UNNAMED)
    color = F.cross_entropy(colors, batch.colors, ignore_index=UNNAMED)
    return kind + _COLOR_WEIGHT * torch.nan_to_num(color)


class NamerTraining:
    """The state of a training; a checkpoint holds all of it, so a killed run resumes to the same weights."""

    def __init__(self, shape: NamerShape, steps: int, batch: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.namer = ObjectNamer(shape).to(memory_format=torch.channels_last)
        self.mean = ObjectNamer(shape).to(memory_format=torch.channels_last)
        self.mean.load_state_dict(self.namer.state_dict())
        decayed = [p for p in self.namer.parameters() if p.ndim > 1]
        plain = [p for p in self.namer.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": _DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=_RATE, betas=(0.9, 0.98), fused=True)
        self.steps, self.batch, self.seed, self.step = steps, batch, seed, 0

    def advance(self, arrays: Arrays) -> float:
        """Make one optimizer step and return its loss."""
        self.namer.train()
        # dropout draws from the global generator, so that a resumed step draws the same
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        rng = np.random.default_rng([self.seed, 7, self.step])
        examples = drawn(len(arrays["name"]), self.batch, self.seed, self.step)
        batch = crops_of(arrays, examples, self.namer.shape.size_px, rng)
        for group in self.optimizer.param_groups:
            group["lr"] = _RATE * schedule(self.step + 1, self.steps + 1, _WARM_UP, _COOLDOWN * self.steps)
        self.optimizer.zero_grad()
        kinds, colors = self.namer(batch.crops, batch.records)
        loss = naming_loss(kinds, colors, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.namer.parameters(), _LONGEST_GRADIENT)
        self.optimizer.step()
        self._average()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        kept = min(_AVERAGE, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.mean.state_dict().values(), self.namer.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - kept)

    def save(self, path: Path) -> None:
        """Write a checkpoint, complete or not at all."""
        state = {
            "step": self.step,
            "namer": self.namer.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_whole(path, lambda file: torch.save(state, file))

    def restore(self, path: Path) -> None:
        """Resume from a checkpoint."""
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        self.namer.load_state_dict(state["namer"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


@torch.no_grad()
def logits_of(namer: ObjectNamer, arrays: Arrays, examples: NDArray[Any]) -> tuple[Tensor, Tensor]:
    """Return the logits of kinds and of colors of packed examples."""
    namer.eval()
    found = [
        namer(batch.crops, batch.records)
        for start in range(0, len(examples), 256)
        for batch in (crops_of(arrays, examples[start : start + 256], namer.shape.size_px),)
    ]
    return torch.cat([kinds for kinds, _ in found]), torch.cat([colors for _, colors in found])


def train_namer(
    training: NamerTraining, arrays: Arrays, path: Path, every: int, report: Callable[[int, float], None]
) -> None:
    """Train to the last step, reporting the mean loss and writing a checkpoint every so many steps."""
    recent: list[float] = []
    while training.step < training.steps:
        recent.append(training.advance(arrays))
        if training.step % every == 0 or training.step == training.steps:
            report(training.step, float(np.mean(recent)))
            recent = []
            training.save(path)
