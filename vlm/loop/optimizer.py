"""AdamW with a learning rate of its own for the tower, and the course of the rate."""

import math
from typing import Any

import torch
from torch import nn

from vlm.loop.settings import OptimizerSettings


def optimizer_of(model: nn.Module, tower: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """Return the optimizer of all weights that learn; `factor` of a group scales the rate of a step."""
    seeing = {id(weight) for weight in tower.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for weight in model.parameters():
        if weight.requires_grad:
            groups.setdefault((id(weight) in seeing, weight.ndim > 1), []).append(weight)
    described: list[dict[str, Any]] = [
        {
            "params": weights,
            "factor": settings.tower_factor if of_tower else 1.0,
            "weight_decay": settings.weight_decay if matrices else 0.0,
        }
        for (of_tower, matrices), weights in groups.items()
    ]
    return torch.optim.AdamW(described, lr=settings.learning_rate, betas=settings.betas)


def rate_at(step: int, steps: int, settings: OptimizerSettings) -> float:
    """Return the learning rate of the update that ends step `step`, counted from 1, of `steps`."""
    warm_up = min(settings.warm_up_steps, steps)
    if step <= warm_up:
        return settings.learning_rate * step / warm_up
    if settings.schedule == "constant":
        return settings.learning_rate
    done = (step - warm_up) / max(1, steps - warm_up)
    share = settings.last_share + (1 - settings.last_share) * 0.5 * (1 + math.cos(math.pi * done))
    return settings.learning_rate * share
