"""The `clip` family: zero-shot filter whose labels compete."""

from typing import Any

from udfs.experts.zero_shot import ZeroShotFilter


class ClipFilter(ZeroShotFilter):
    """Scores are the softmax over all labels, and `spatial` is the sum of the wanted ones."""

    model_types = ("clip",)

    def padding(self) -> dict[str, Any]:
        """Return padding to the longest prompt."""
        return {"padding": True, "truncation": True}

    def scores(self, logits: Any, wanted: int) -> tuple[Any, Any]:
        """Return softmax (n, labels), and its sum over the wanted labels (n,)."""
        shares = logits.softmax(dim=-1)
        return shares, shares[:, :wanted].sum(dim=-1)


SLOTS = {"filter": ClipFilter}
