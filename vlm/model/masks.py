"""Which tokens see which: packed examples, independent turns, and pictures seen both ways."""

import torch
from torch import Tensor


def attention_mask(example: Tensor, turn: Tensor, picture: Tensor | None = None) -> Tensor:
    """Return what may be attended to, bool (b, 1, n, n), [.., query, key].

    `example` (b, n) tells the examples of a row apart, padding being one of them; `turn` (b, n) is 0 for tokens that
    every turn of the example sees; `picture` (b, n) marks tokens that see each other both ways.
    """
    n = turn.shape[1]
    same = example[:, :, None] == example[:, None, :]
    seen = (turn[:, None, :] == 0) | (turn[:, None, :] == turn[:, :, None])
    seen &= torch.ones(n, n, dtype=torch.bool, device=turn.device).tril()
    if picture is not None:
        seen |= picture[:, :, None] & picture[:, None, :]
    return (seen & same)[:, None]


def as_taken(mask: Tensor, attention: str, dtype: torch.dtype) -> Tensor:
    """Return a mask as the attention takes it: eager attention adds it to the scores."""
    if mask.ndim != 4 or mask.dtype != torch.bool or attention != "eager":
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)
