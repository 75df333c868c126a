"""The `cascade` family: a fast filter on every image, a slow one on those that pass it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from udfs.experts.expert import ExpertSpec, ImageExpert, ImageRow, Options, Prediction, expert_class
from udfs.experts.intrinsics import INTRINSICS
from udfs.experts.vocabularies import SPATIAL


class CascadeOptions(Options):
    """When the second part runs."""

    threshold: float = Field(default=0.5, ge=0, le=1, description="smallest `spatial` of the first part that passes")


class CascadeFilter(ImageExpert):
    """Scores of both parts as `first.NAME` and `second.NAME`; `spatial` is the smallest of those that were computed."""

    # All columns that the filters of any family read.
    columns: ClassVar[tuple[str, ...]] = ("bytes", "has_depth", *INTRINSICS, "objects")
    options_type: ClassVar[type[Options]] = CascadeOptions
    needs_model: ClassVar[bool] = False
    needed_parts: ClassVar[Mapping[str, str]] = {"first": "filter", "second": "filter"}

    @classmethod
    def score_names(cls, spec: ExpertSpec) -> frozenset[str] | None:
        """Return the names of both parts' scores, None where one of them is not known."""
        names = {part: expert_class("filter", of).score_names(of) for part, of in spec.parts.items()}
        if None in names.values():
            return None
        return frozenset({SPATIAL, *(f"{part}.{name}" for part, of in names.items() for name in of)})

    def load(self, device: str) -> None:
        """Load both parts onto `device`."""
        for part in self.parts.values():
            part.load(device)

    def predict(self, batch: Sequence[ImageRow]) -> list[Prediction | Exception]:
        """Return one prediction or exception per image, in order; an image that fails either part fails."""
        firsts: list[Any] = self.parts["first"].predict(batch)
        passed = [index for index, first in enumerate(firsts) if self._passes(first)]
        seconds = self.parts["second"].predict([batch[index] for index in passed]) if passed else []
        results = [first if isinstance(first, Exception) else _joined(first, None) for first in firsts]
        for index, second in zip(passed, seconds, strict=True):
            results[index] = second if isinstance(second, Exception) else _joined(firsts[index], second)
        return results

    def _passes(self, first: Prediction | Exception) -> bool:
        return not isinstance(first, Exception) and first["scores"][SPATIAL] >= self.options.threshold


def _joined(first: Prediction, second: Prediction | None) -> Prediction:
    computed = {"first": first["scores"], **({"second": second["scores"]} if second else {})}
    scores = {f"{part}.{label}": score for part, of in computed.items() for label, score in of.items()}
    return {"scores": {**scores, SPATIAL: min(of[SPATIAL] for of in computed.values())}}


SLOTS = {"filter": CascadeFilter}
