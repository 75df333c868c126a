"""AdamW with a separate learning rate for the vision encoder, and learning-rate schedules."""

import math
from typing import Any

import torch
from torch import nn

from vlm.loop.settings import OptimizerSettings


def optimizer_of(model: nn.Module, vision_encoder: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """Return the optimizer of all trained weights; `factor` of a group scales the learning rate."""
    visual = {id(weight) for weight in vision_encoder.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for weight in model.parameters():
        if weight.requires_grad:
            groups.setdefault((id(weight) in visual, weight.ndim > 1), []).append(weight)
    described: list[dict[str, Any]] = [
        {
            "params": weights,
            "factor": settings.vision_encoder_lr_factor if of_encoder else 1.0,
            "weight_decay": settings.weight_decay if matrices else 0.0,
        }
        for (of_encoder, matrices), weights in groups.items()
    ]
    return torch.optim.AdamW(described, lr=settings.learning_rate, betas=settings.betas)


def rate_at(step: int, steps: int, settings: OptimizerSettings) -> float:
    """Return the learning rate of step `step`, counted from 1, of `steps`."""
    warm_up = min(settings.warm_up_steps, steps)
    decay = steps - warm_up if settings.schedule == "cosine" else 0
    return settings.learning_rate * schedule(step, steps, warm_up, decay, settings.min_lr_ratio)


def schedule(step: float, steps: int, warm_up: int, decay: float, last: float = 0.0) -> float:
    """Return the fraction of the largest learning rate at `step`, counted from 1, of `steps`.

    It rises linearly over `warm_up` steps, then stays at 1, and falls to `last` along a cosine over the last `decay`.
    """
    up = min(step / max(warm_up, 1), 1.0)
    done = max(1 - (steps - step) / decay, 0.0) if decay else 0.0
    return up * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done)))
