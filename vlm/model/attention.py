"""Attention masks and block-diagonal attention for packed examples, independent turns and bidirectional images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from vlm.model.sequences import TokenSequence


def attention_mask(example: Tensor, turn: Tensor, image: Tensor | None = None) -> Tensor:
    """Return the attention mask, bool (b, 1, n, n), [.., query, key]; True: attended.

    `example` (b, n) numbers the examples of a row, padding included; `turn` (b, n) is 0 for tokens that every turn of
    the example attends to; tokens marked in `image` (b, n) attend to each other in both directions.
    """
    n = turn.shape[1]
    same = example[:, :, None] == example[:, None, :]
    seen = (turn[:, None, :] == 0) | (turn[:, None, :] == turn[:, :, None])
    seen &= torch.ones(n, n, dtype=torch.bool, device=turn.device).tril()
    if image is not None:
        seen |= image[:, :, None] & image[:, None, :]
    return (seen & same)[:, None]


def mask_for(mask: Tensor, attention: str, dtype: torch.dtype) -> Tensor:
    """Return a mask in the form of an attention implementation: eager attention adds it to the scores."""
    if mask.ndim != 4 or mask.dtype != torch.bool or attention != "eager":
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


BY_TURNS = "sdpa_by_turns"
# Turns whose lengths round up to the same multiple of this share a block.
_STEP = 8
_PADDING = -1


@dataclass(frozen=True, slots=True)
class TurnBlocks:
    """The layout of a single row of tokens: the shared tokens of each example, then blocks of turns.

    `shared`: number of examples, and of shared tokens per example. `blocks`: for each block, number of turns, and of
    tokens per turn. `owner` (turns,): the example of each turn.
    """

    shared: tuple[int, int]
    blocks: tuple[tuple[int, int], ...]
    owner: Tensor

    @classmethod
    def of(cls, inputs: dict[str, Tensor]) -> "TurnBlocks":
        """Return the layout that `laid_out` stored in a batch."""
        first, *others = ((int(count), int(width)) for count, width in inputs["turn_blocks"])
        return cls(first, tuple(others), inputs["turn_owner"])


def laid_out(sequences: Sequence[TokenSequence]) -> tuple[NDArray[np.int64], dict[str, Tensor]] | None:
    """Return the order of a batch's tokens in blocks (n,), -1 for padding, and the inputs of `TurnBlocks.of`.

    Tokens are numbered through all sequences. Returns None if the examples differ in their number of shared tokens.
    """
    shared = {int((one.turn == 0).sum()) for one in sequences}
    if len(shared) > 1:
        return None
    first = np.cumsum([0, *(len(one) for one in sequences)])[:-1]
    turns = [
        (example, first[example] + np.flatnonzero(one.turn == number))
        for example, one in enumerate(sequences)
        for number in range(1, int(one.turn.max(initial=0)) + 1)
    ]
    turns.sort(key=lambda turn: len(turn[1]))
    blocks: dict[int, list[NDArray[np.int64]]] = {}
    for _, tokens in turns:
        blocks.setdefault(-(-len(tokens) // _STEP), []).append(tokens)
    parts = [first[example] + np.arange(min(shared)) for example in range(len(sequences))]
    sizes = [(len(sequences), min(shared))]
    for block in blocks.values():
        width = len(block[-1])
        parts += [np.pad(tokens, (0, width - len(tokens)), constant_values=_PADDING) for tokens in block]
        sizes.append((len(block), width))
    owner = torch.tensor([example for example, _ in turns]).long()
    return np.concatenate(parts), {"turn_blocks": torch.tensor(sizes), "turn_owner": owner}


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Attention over [1, heads, n, d] by the option `turn_blocks`; plain `sdpa` without it.

    A token attends to the shared tokens of its example and to the earlier tokens of its turn.
    """
    laid: TurnBlocks | None = options.pop("turn_blocks", None)
    if laid is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    groups = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    attention = partial(_causal_attention, scaling=options["scaling"], dropout=options.get("dropout", 0.0))
    queries, keys, values = (_block(states, 0, *laid.shared) for states in (query, key, value))
    outputs, start, turn = [attention(queries, keys, values)], laid.shared[0] * laid.shared[1], 0
    for count, width in laid.blocks:
        owner = laid.owner[turn : turn + count]
        own = [_block(states, start, count, width) for states in (query, key, value)]
        seen = [torch.cat([shared[owner], new], 2) for shared, new in ((keys, own[1]), (values, own[2]))]
        outputs.append(attention(own[0], seen[0], seen[1]))
        start, turn = start + count * width, turn + count
    return torch.cat(outputs)[None], None


def _causal_attention(queries: Tensor, keys: Tensor, values: Tensor, scaling: float, dropout: float) -> Tensor:
    """Return causal attention of the last tokens over all earlier ones, [count * width, heads, d].

    On CPUs, fused kernels are slower than this for many short sequences, most of all in the backward pass.
    """
    width, seen = queries.shape[2], keys.shape[2]
    visible = torch.ones(width, seen, dtype=torch.bool, device=queries.device).tril(seen - width)
    scores = torch.matmul(queries, keys.transpose(2, 3)) * scaling
    shares = scores.masked_fill(~visible, torch.finfo(scores.dtype).min).softmax(-1, dtype=torch.float32)
    return torch.matmul(F.dropout(shares.to(values.dtype), dropout), values).transpose(1, 2).flatten(0, 1)


def _block(states: Tensor, start: int, count: int, width: int) -> Tensor:
    """Return a part of [1, heads, n, d] as [count, heads, width, d]."""
    return states[0, :, start : start + count * width].unflatten(1, (count, width)).transpose(0, 1)


AttentionInterface.register(BY_TURNS, attend)
AttentionMaskInterface.register(BY_TURNS, sdpa_mask)
