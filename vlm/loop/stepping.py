"""Optimizer steps, the same for any number of processes with the same global batch."""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from udfs.language.draws import seed_of
from vlm.errors import LossDiverged
from vlm.feed.share import Cursor
from vlm.loop.data import StepBatch
from vlm.loop.optimizer import rate_at
from vlm.loop.settings import TrainSettings


class Step(NamedTuple):
    """One optimizer step: its loss in nats per answer token, the cursor after it, and its metrics."""

    loss: float
    cursor: Cursor
    numbers: dict[str, float]


class Stepper:
    """Makes optimizer steps; counts and losses are summed over all processes."""

    def __init__(self, settings: TrainSettings, accelerator: Accelerator, module: Any, optimizer: Any) -> None:
        self._settings = settings
        self._accelerator = accelerator
        self._module = module.train()
        self._optimizer = optimizer
        self._trained = [weight for group in optimizer.param_groups for weight in group["params"]]
        self._since_s = time.perf_counter()

    def advance(self, step: int, batches: Iterator[StepBatch]) -> Step:
        """Train on the next batch, as step `step`, counted from 1.

        Raises:
            LossDiverged: the loss is not finite.
        """
        began_s = time.perf_counter()
        batch = next(batches)
        waited_s = time.perf_counter() - began_s
        # Dropout depends only on the step, so a resumed run repeats it.
        torch.manual_seed(seed_of(self._settings.loop.seed, step, self._accelerator.process_index) % 2**63)
        counts = self._counted(batch)
        rate = rate_at(step, self._settings.loop.steps, self._settings.optimizer)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        names = self._settings.streams
        sums = self._backward(batch, max(1.0, float(counts[: len(names)].sum())))
        norm: Any = self._accelerator.clip_grad_norm_(self._trained, self._settings.optimizer.clip_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        loss = float(sums.sum() / counts[: len(names)].sum().clamp(min=1))
        if not math.isfinite(loss):
            raise LossDiverged(
                f"The loss of step {step} is {loss}; lower optimizer.learning_rate or set loop.mixed_precision=no, and "
                "resume from the last checkpoint."
            )
        numbers = {"loss": loss, "learning_rate": rate, "gradient_norm": float(norm), "waited_s": waited_s}
        return Step(loss, batch.cursor, {**numbers, **self._described(batch, sums, counts, waited_s)})

    def _counted(self, batch: StepBatch) -> Tensor:
        """Return over all processes: answer tokens by stream, examples, turns cut, and images unreadable."""
        streams = len(self._settings.streams)
        own = torch.zeros(streams + 3, dtype=torch.float64)
        for part in batch.parts:
            own[:streams] += torch.bincount(part.streams, minlength=streams)
            own[streams:] += torch.tensor([part.examples, part.cut, part.unreadable])
        return self._summed(own)

    def _backward(self, batch: StepBatch, tokens: float) -> Tensor:
        """Backpropagate the loss per token; return the losses by stream, summed over all processes."""
        device, world = self._accelerator.device, self._accelerator.num_processes
        sums: Tensor = torch.zeros(len(self._settings.streams), dtype=torch.float64)
        for number, part in enumerate(batch.parts):
            last = number == len(batch.parts) - 1
            inputs = {name: value.to(device) for name, value in part.inputs.items()}
            with nullcontext() if last else self._accelerator.no_sync(self._module):
                losses = self._module(
                    inputs, part.predicts.to(device), part.targets.to(device), part.streams.to(device)
                )
                # Gradients are averaged over processes.
                self._accelerator.backward(losses.sum() * (world / tokens))
            sums += losses.detach().cpu()
        return self._summed(sums)

    def _summed(self, values: Tensor) -> Tensor:
        if self._accelerator.num_processes == 1:
            return values
        reduced: Any = self._accelerator.reduce(values.to(self._accelerator.device))
        return reduced.cpu()

    def _described(self, batch: StepBatch, sums: Tensor, counts: Tensor, waited_s: float) -> dict[str, float]:
        names = self._settings.streams
        now_s = time.perf_counter()
        took_s, self._since_s = now_s - self._since_s, now_s
        examples, cut, unreadable = counts[len(names) :].tolist()
        metrics = {
            "samples_per_s": examples / took_s,
            "answer_tokens_per_s": float(counts[: len(names)].sum()) / took_s,
            "loader_wait_share": waited_s / took_s,
            "turns_cut": cut,
            "images_unreadable": unreadable,
            "processes": self._accelerator.num_processes,
        }
        for number, name in enumerate(names):
            metrics[f"token_share/{name}"] = batch.cursor.token_share(name)
            if counts[number]:
                metrics[f"loss/{name}"] = float(sums[number] / counts[number])
        return metrics
