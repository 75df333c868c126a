"""The interface of models that answer items."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vlm.evaluation.predictors.views import Shown


class PredictorUnusable(Exception):
    """A model that cannot answer any item; the message states the value and the remedy."""


@dataclass(frozen=True)
class Output:
    """A model's output for an item; without `text`, `fault` says why in one sentence."""

    shown: Shown
    text: str | None = None
    fault: str | None = None


class Predictor(Protocol):
    """A model by its name on the leaderboard.

    `batch` items are answered together, always the same ones, since an answer may depend on the others in its batch.
    """

    model: str
    batch: int

    def identity(self) -> str:
        """Return what answers depend on besides the prompt and images.

        Raises:
            PredictorUnusable: the model does not exist.
        """
        ...

    def predict(self, batches: Iterable[Sequence[Shown]]) -> Iterator[list[Output]]:
        """Yield the answers of each batch as soon as they are complete, in any order.

        Raises:
            PredictorUnusable: nothing can be answered.
        """
        ...
