"""What a model that answers items is to the evaluation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vlm.evaluation.predictors.views import Shown


class PredictorUnusable(Exception):
    """A model that cannot answer anything; the message states the value and the remedy."""


@dataclass(frozen=True)
class Said:
    """What a model said to an item; `text` is None where it said nothing, and `fault` is one sentence why."""

    shown: Shown
    text: str | None = None
    fault: str | None = None


class Predictor(Protocol):
    """A model by its name on the leaderboard.

    `batch` is how many items are answered together, always the same ones, since answers may depend on their neighbours
    in a batch.
    """

    model: str
    batch: int

    def identity(self) -> str:
        """Return what answers depend on besides what is shown.

        Raises:
            PredictorUnusable: there is no such model.
        """
        ...

    def predict(self, batches: Iterable[Sequence[Shown]]) -> Iterator[list[Said]]:
        """Yield the answers of a batch as soon as they are there, in any order of the batches.

        Raises:
            PredictorUnusable: nothing can be answered.
        """
        ...
