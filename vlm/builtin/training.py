"""The training loop: steps, a running mean of the weights, checkpoints and metrics."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from scenes.negatives import NEGATIVES
from udfs.experts.families.builtin.network import NetworkShape, RoomNetwork
from udfs.experts.families.builtin.weights import network_tensors
from vlm.builtin.example import COLOR_NAMES, KIND_NAMES
from vlm.builtin.pack import Pack
from vlm.builtin.replicas import Replicas
from vlm.builtin.settings import TrainSettings
from vlm.errors import SettingsUnusable
from vlm.loop.checkpoint import write_whole

CHECKPOINT = "checkpoint.pt"
_LONGEST_GRADIENT = 5.0

Report = Callable[[int, dict[str, float]], None]
Measure = Callable[[], dict[str, float]]


class Training:
    """The state of a training; a checkpoint holds all of it, so a killed run resumes to the same weights."""

    def __init__(self, settings: TrainSettings, shape: NetworkShape | None = None) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        full = NetworkShape(kinds=KIND_NAMES, colours=COLOR_NAMES, likenesses=("room", *NEGATIVES))
        self.network = RoomNetwork(shape or full)
        self.network.to(memory_format=torch.channels_last)
        self.mean = RoomNetwork(self.network.shape).to(memory_format=torch.channels_last)
        self.mean.load_state_dict(self.network.state_dict())
        self.averaged = [
            [value for value in network.state_dict().values() if value.dtype.is_floating_point]
            for network in (self.mean, self.network)
        ]
        self.step = 0
        self.replicas = Replicas(self.network, settings)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        plain = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98), fused=True)

    def advance(self, pack: Pack) -> dict[str, float]:
        """Make one optimizer step and return its losses."""
        self.network.train()
        found = self.replicas.gradients(pack, self.step)
        length = torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_GRADIENT)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_at(self.step)
        if bool(torch.isfinite(length)):
            self.optimizer.step()
        self._average()
        self.step += 1
        return {**found, "gradient": float(length)}

    @torch.no_grad()
    def _average(self) -> None:
        kept = min(self.settings.average, (1 + self.step) / (10 + self.step))
        for mean, now in zip(*self.averaged, strict=True):
            mean.lerp_(now, 1 - kept)

    def save(self, path: Path) -> None:
        """Write a checkpoint, complete or not at all."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "statistics": [dict(twin.named_buffers()) for twin in self.replicas.networks],
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_whole(path, lambda file: torch.save(state, file))

    def start_from(self, path: Path) -> None:
        """Start from the weights of a checkpoint or a weights file, with step 0 and a new optimizer.

        Raises:
            SettingsUnusable: the file does not exist or holds a network of another shape.
        """
        try:
            if path.suffix == ".safetensors":
                now = mean = network_tensors(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
                now, mean = state["network"], state["mean"]
            for twin in self.replicas.networks:
                twin.load_state_dict(now)
            self.mean.load_state_dict(mean)
        except (OSError, KeyError, RuntimeError) as error:
            cause = str(error).splitlines()[0][:200]
            raise SettingsUnusable(f"Cannot start from {path} ({cause}); name a checkpoint or weights.") from error

    def restore(self, path: Path) -> None:
        """Resume from a checkpoint."""
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        for twin, buffers in zip(self.replicas.networks, state["statistics"], strict=True):
            own = dict(twin.named_buffers())
            for name, value in buffers.items():
                own[name].copy_(value)
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def train(training: Training, pack: Pack, measure: Measure, report: Report) -> None:
    """Train to the last step, reporting losses and metrics before each checkpoint."""
    settings, path = training.settings, Path(training.settings.out) / CHECKPOINT
    started, recent = time.monotonic(), []
    while training.step < settings.steps:
        recent.append(training.advance(pack))
        last, numbers = training.step == settings.steps, {}
        if due := last or training.step % settings.checkpoint_every == 0:
            means = {name: sum(r.get(name, 0.0) for r in recent) / len(recent) for name in recent[-1]}
            speed = len(recent) * settings.batch / (time.monotonic() - started)
            numbers = {**means, "images_per_s": speed, "learning_rate": settings.rate_at(training.step - 1)}
            started, recent = time.monotonic(), []
        if last or training.step % settings.measure_every == 0:
            numbers |= measure()
            started = time.monotonic()
        if numbers:
            report(training.step, numbers)
        if due:
            training.save(path)
