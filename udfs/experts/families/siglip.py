"""The `siglip` family: zero-shot filter whose labels are scored one by one."""

from typing import Any

from udfs.experts.zero_shot import ZeroShotFilter

# The length that the models were trained with; not every tokenizer states it.
_TOKENS = 64


class SiglipFilter(ZeroShotFilter):
    """Scores are the sigmoid of each label alone, and `spatial` is the wanted labels' share of their sum.

    Sigmoids of general prompts are far below 1 even where they fit, so a threshold works on a share and not on a sum.
    """

    model_types = ("siglip", "siglip2")

    def padding(self) -> dict[str, Any]:
        """Return padding to the full length of the text model."""
        max_tokens = min(_TOKENS, self.model.config.text_config.max_position_embeddings)
        return {"padding": "max_length", "truncation": True, "max_length": max_tokens}

    def scores(self, logits: Any, wanted: int) -> tuple[Any, Any]:
        """Return sigmoids (n, labels), and the share of the wanted labels (n,)."""
        import torch

        logits = logits + self.model.logit_bias.float()
        # In logarithms, since the sigmoids themselves may all round to 0.
        logs = torch.nn.functional.logsigmoid(logits)
        return logits.sigmoid(), (logs[:, :wanted].logsumexp(-1) - logs.logsumexp(-1)).exp()


SLOTS = {"filter": SiglipFilter}
