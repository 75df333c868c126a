"""The training loop: updates, a running mean of the weights, checkpoints and measures."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from jobs.engine.errors import UsageError
from scenes.negatives import NEGATIVES
from udfs.experts.families.builtin.network import NetworkShape, RoomNetwork
from vlm.builtin.example import COLOUR_NAMES, KIND_NAMES
from vlm.builtin.pack import Pack
from vlm.builtin.replicas import Replicas
from vlm.builtin.settings import TrainSettings

CHECKPOINT = "checkpoint.pt"
_LONGEST_GRADIENT = 5.0
# settings that an interrupted training must be taken up with
_FIXED = {"crawls", "lakes", "start", "batch", "seed", "width", "height", "rate", "weight_decay", "replicas", "half"}

Report = Callable[[int, dict[str, float]], None]
Measure = Callable[[], dict[str, float]]


class Training:
    """All that changes while training; a checkpoint holds it whole, so a killed run goes on to the same weights."""

    def __init__(self, settings: TrainSettings, shape: NetworkShape | None = None) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        full = NetworkShape(kinds=KIND_NAMES, colours=COLOUR_NAMES, likenesses=("room", *NEGATIVES))
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

    def update(self, pack: Pack) -> dict[str, float]:
        """Make one update of the weights and return its losses."""
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
        """Write a checkpoint; it appears whole or not at all."""
        state = {
            "settings": self.settings.model_dump_json(include=_FIXED),
            "step": self.step,
            "network": self.network.state_dict(),
            "statistics": [dict(twin.named_buffers()) for twin in self.replicas.networks],
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        draft = path.with_suffix(".tmp")
        with draft.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def start_from(self, path: Path) -> None:
        """Take over the weights of a checkpoint or of a weights file; steps and the optimizer start anew.

        Raises:
            UsageError: there is no such file, or it holds a network of another shape.
        """
        try:
            if path.suffix == ".safetensors":
                now = mean = load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
                now, mean = state["network"], state["mean"]
            for twin in self.replicas.networks:
                twin.load_state_dict(now)
            self.mean.load_state_dict(mean)
        except (OSError, KeyError, RuntimeError) as error:
            cause = str(error).splitlines()[0][:200]
            raise UsageError(f"{path} cannot be started from ({cause}); name a checkpoint or weights.") from error

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            UsageError: it was made with other settings; more or fewer steps are no hindrance.
        """
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        asked = self.settings.model_dump_json(include=_FIXED)
        if state["settings"] != asked:
            raise UsageError(f"{path} was made with {state['settings']}, not {asked}; train into another --out.")
        self.network.load_state_dict(state["network"])
        for twin, buffers in zip(self.replicas.networks, state["statistics"], strict=True):
            own = dict(twin.named_buffers())
            for name, value in buffers.items():
                own[name].copy_(value)
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def train(training: Training, pack: Pack, measure: Measure, report: Report) -> None:
    """Train to the last step with checkpoints, reporting losses and measures."""
    settings, path = training.settings, Path(training.settings.out) / CHECKPOINT
    started, recent = time.monotonic(), []
    while training.step < settings.steps:
        recent.append(training.update(pack))
        last = training.step == settings.steps
        if last or training.step % settings.checkpoint_every == 0:
            training.save(path)
            means = {name: sum(r.get(name, 0.0) for r in recent) / len(recent) for name in recent[-1]}
            speed = len(recent) * settings.batch / (time.monotonic() - started)
            report(training.step, {**means, "pictures_per_second": speed, "rate": settings.rate_at(training.step - 1)})
            started, recent = time.monotonic(), []
        if last or training.step % settings.measure_every == 0:
            report(training.step, measure())
            started = time.monotonic()
