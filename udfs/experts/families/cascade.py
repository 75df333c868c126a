"""The `cascade` family: a quick filter on every photograph, a slow one on those that it passes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from udfs.experts.expert import ExpertSpec, Photograph, Prediction, expert_class
from udfs.experts.label_sets import SPATIAL
from udfs.experts.pinning import pinned

_PARTS = ("first", "second")


class CascadeOptions(BaseModel):
    """`threshold`: the least `spatial` of the first part at which the second is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.5, ge=0, le=1)


class CascadeFilter:
    """Scores of both parts as `first.NAME` and `second.NAME`; `spatial` is the least of those that were computed."""

    # Whatever the filters of any family read.
    columns: ClassVar[tuple[str, ...]] = ("bytes", "exif_orientation", "has_depth", "camera", "objects")

    def __init__(self, spec: ExpertSpec) -> None:
        self.options = CascadeOptions.model_validate(spec.options)
        self.first, self.second = (expert_class("filter", part)(part) for part in _parts(spec))

    @classmethod
    def resolved(cls, spec: ExpertSpec) -> ExpertSpec:
        """Return the spec with the options of both parts written out.

        Raises:
            ValueError: a part is missing or unknown, or an option is bad.
        """
        parts = {name: pinned("filter", part) for name, part in zip(_PARTS, _parts(spec), strict=True)}
        options = CascadeOptions.model_validate(spec.options).model_dump()
        return spec.model_copy(update={"parts": parts, "options": options})

    def load(self, device: str) -> None:
        """Load both parts onto `device`."""
        self.first.load(device)
        self.second.load(device)

    def predict(self, batch: Sequence[Photograph]) -> list[Prediction | Exception]:
        """Return one prediction or exception per photograph, in order; what fails either part fails."""
        firsts: list[Any] = self.first.predict(batch)
        passed = [index for index, first in enumerate(firsts) if self._passes(first)]
        seconds = self.second.predict([batch[index] for index in passed]) if passed else []
        results = [first if isinstance(first, Exception) else _joined(first, None) for first in firsts]
        for index, second in zip(passed, seconds, strict=True):
            results[index] = second if isinstance(second, Exception) else _joined(firsts[index], second)
        return results

    def _passes(self, first: Prediction | Exception) -> bool:
        return not isinstance(first, Exception) and first["scores"][SPATIAL] >= self.options.threshold


def _parts(spec: ExpertSpec) -> tuple[ExpertSpec, ExpertSpec]:
    if set(spec.parts) != set(_PARTS):
        found = ", ".join(sorted(spec.parts)) or "none"
        raise ValueError(f"Family cascade needs the parts first and second, and has {found}; name a filter for each.")
    return spec.parts["first"], spec.parts["second"]


def _joined(first: Prediction, second: Prediction | None) -> Prediction:
    computed = {"first": first["scores"], **({"second": second["scores"]} if second else {})}
    scores = {f"{part}.{label}": score for part, of in computed.items() for label, score in of.items()}
    return {"scores": {**scores, SPATIAL: min(of[SPATIAL] for of in computed.values())}}


SLOTS = {"filter": CascadeFilter}
