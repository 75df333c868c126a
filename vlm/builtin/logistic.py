"""Logistic regression, for heads that are fitted on a trained network."""

import torch
from torch import Tensor
from torch.nn import functional as F

_DECAY = 1e-3


def logistic(x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, float]:
    """Return weights [c + 1, classes] of features [n, c], the last row the offsets, and the loss that is left."""
    weight = torch.zeros(x.shape[1] + 1, classes, device=x.device, requires_grad=True)
    solver = torch.optim.LBFGS([weight], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(x @ weight[:-1] + weight[-1], y) + _DECAY * (weight[:-1] ** 2).sum()
        loss.backward()
        return loss

    solver.step(closure)
    return weight.detach(), float(closure().detach())
