"""Distances of two named things by a model, image by image: what the frames of an episode are asked."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vlm.evaluation.predictors.predictor import Predictor
from vlm.reason.models import ModelAnswers
from vlm.reason.names import is_fit
from vlm.reason.tools import Distance
from vlm.reason.values import Number

_ARTICLES = ("the ", "a ", "an ")


@dataclass(frozen=True)
class Said:
    """What a model says of one image: a distance in m and its standard error if that is known, or why there is none."""

    distance_m: float | None = None
    sigma_m: float | None = None
    unknown: str | None = None


class FrameDistances:
    """Asks one model for the distance of the closest points of two things, `concurrency` images at a time.

    `relative_error` is the standard error of its lengths as a share, None: unknown.
    """

    def __init__(self, predictor: Predictor, relative_error: float | None = None, concurrency: int = 1) -> None:
        self._predictor, self._relative_error, self._concurrency = predictor, relative_error, concurrency

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return self._predictor.model

    def of(self, images: Sequence[bytes], a: str, b: str) -> Iterator[Said]:
        """Yield what the model says of each upright image, in their order.

        Raises:
            AnswersUnusable: the model cannot be used, or an endpoint gave no answer.
        """
        query = Distance(a=_phrase(a), b=_phrase(b), kind="closest")
        unfit = next((name for name in (query.a, query.b) if not is_fit(name)), None)
        if unfit is not None:
            unasked = Said(unknown=f"A model cannot be asked about {unfit[:60]!r}; name it in a few words.")
            yield from (unasked for _ in images)
            return
        with ThreadPoolExecutor(self._concurrency) as threads:
            yield from threads.map(lambda image: self._said(image, query), images)

    def _said(self, image: bytes, query: Distance) -> Said:
        reply = ModelAnswers(self._predictor, image, relative_error=self._relative_error).reply(query)
        if not isinstance(reply.value, Number) or reply.value.unit != "m":
            return Said(unknown=f"{reply.refusal or 'The answer is no length.'} It says {reply.raw[:80]!r}.")
        if reply.value.value < 0:
            return Said(unknown=f"The model says a distance below zero: {reply.raw[:80]!r}.")
        return Said(reply.value.value, reply.value.error)


def _phrase(name: str) -> str:
    return name if name.lower().startswith(_ARTICLES) else f"the {name}"
