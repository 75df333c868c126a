"""The loss of answer tokens, stream by stream, and nothing computed for tokens that are not learned."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vlm.model.attention import BY_TURNS, TurnBlocks, as_taken
from vlm.model.families import Family, bare, part


class AnswerLoss(nn.Module):
    """A model as the loop calls it; a frozen vision encoder or decoder stays in evaluation mode."""

    def __init__(self, model: nn.Module, family: Family, streams: int) -> None:
        super().__init__()
        self.model = model
        self._streams = streams
        self._attention = bare(model).config._attn_implementation
        self._dtype = bare(model).dtype
        if self._attention == "sdpa" and family.masked:
            decoder: Any = part(model, family.decoder)
            decoder.set_attn_implementation(BY_TURNS)
        parts = [part(model, name) for name in (family.vision_encoder, family.projector, family.decoder)]
        self._frozen = [own for own in parts if not any(weight.requires_grad for weight in own.parameters())]
        # Some may be unused: all where a batch has no image, and a pooling head always. Every rank has to have
        # gradients of the same weights.
        self._seeing = [weight for own in parts[:2] for weight in own.parameters() if weight.requires_grad]

    def train(self, mode: bool = True) -> "AnswerLoss":
        """Set the mode of all parts that learn."""
        super().train(mode)
        for frozen in self._frozen:
            frozen.eval()
        return self

    def forward(self, inputs: dict[str, Tensor], predicts: Tensor, targets: Tensor, streams: Tensor) -> Tensor:
        """Return the sum of the cross entropies (streams,) in nats of `targets` (k,), in float32."""
        logits = self.model(**self._given(inputs), use_cache=False, logits_to_keep=predicts).logits
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        sums = losses.new_zeros(self._streams).index_add(0, streams, losses)
        if self._seeing:
            sums = sums + 0 * torch.cat([weight.flatten()[:1] for weight in self._seeing]).sum()
        return sums

    def _given(self, inputs: dict[str, Tensor]) -> dict[str, Any]:
        """Return inputs as the model takes them."""
        if "turn_blocks" not in inputs:
            return {**inputs, "attention_mask": as_taken(inputs["attention_mask"], self._attention, self._dtype)}
        told = {name: value for name, value in inputs.items() if name not in ("turn_blocks", "turn_owner")}
        # A mask that is ready is left alone, so that none is made of the size of the whole batch.
        ready = torch.ones(1, 1, 1, 1, dtype=torch.bool)
        return {**told, "attention_mask": ready, "turn_blocks": TurnBlocks.of(inputs)}
