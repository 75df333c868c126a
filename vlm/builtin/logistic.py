"""Logistic regression for heads on a trained network."""

import torch
from torch import Tensor
from torch.nn import functional as F

_DECAY = 1e-3


def logistic(x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, float]:
    """Return the weights [c + 1, classes] for features [n, c], offsets last, and the final loss."""
    weight = torch.zeros(x.shape[1] + 1, classes, device=x.device, requires_grad=True)
    solver = torch.optim.LBFGS([weight], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(x @ weight[:-1] + weight[-1], y) + _DECAY * (weight[:-1] ** 2).sum()
        loss.backward()
        return loss

    solver.step(closure)
    return weight.detach(), float(closure().detach())
