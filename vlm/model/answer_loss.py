"""The loss of answer tokens by stream, without logits for any other token."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vlm.model.attention import BY_TURNS, TurnBlocks, mask_for
from vlm.model.families import Family, bare, part


class AnswerLoss(nn.Module):
    """A model with its training loss; frozen parts stay in evaluation mode."""

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
        # Some get no gradient, such as a pooling head, or all of them in a batch without images; but every rank needs
        # gradients of the same weights.
        self._visual = [weight for own in parts[:2] for weight in own.parameters() if weight.requires_grad]

    def train(self, mode: bool = True) -> "AnswerLoss":
        """Set the mode of the trained parts."""
        super().train(mode)
        for frozen in self._frozen:
            frozen.eval()
        return self

    def forward(self, inputs: dict[str, Tensor], predicts: Tensor, targets: Tensor, streams: Tensor) -> Tensor:
        """Return the summed cross entropy of `targets` (k,) by stream (streams,), in nats and float32."""
        logits = self.model(**self._model_inputs(inputs), use_cache=False, logits_to_keep=predicts).logits
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        sums = losses.new_zeros(self._streams).index_add(0, streams, losses)
        if self._visual:
            sums = sums + 0 * torch.cat([weight.flatten()[:1] for weight in self._visual]).sum()
        return sums

    def _model_inputs(self, inputs: dict[str, Tensor]) -> dict[str, Any]:
        """Return a batch's inputs in the form that the model takes."""
        if "turn_blocks" not in inputs:
            return {**inputs, "attention_mask": mask_for(inputs["attention_mask"], self._attention, self._dtype)}
        others = {name: value for name, value in inputs.items() if name not in ("turn_blocks", "turn_owner")}
        # A 4D mask is passed through, so transformers builds none of the size of the whole batch.
        unused = torch.ones(1, 1, 1, 1, dtype=torch.bool)
        return {**others, "attention_mask": unused, "turn_blocks": TurnBlocks.of(inputs)}
