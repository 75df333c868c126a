"""Learned experts behind a process wall: a photograph that kills or hangs the model is rejected alone."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import ExpertSpec, Photograph, Prediction
from udfs.experts.isolation.child import Answers
from udfs.experts.isolation.process import ModelDied, ModelProcess
from udfs.experts.loading import ModelUnavailable
from udfs.stages.rows import Row, RowRejected

Batch = Sequence[Photograph]
Outcomes = list[Prediction | Exception]

# The first batch of a process also sets up the device and its kernels.
_WARM_UP_S = 60.0
# A batch may take this many times what batches took so far; beyond that something hangs.
_PATIENCE = 10.0
# So many photographs in a row, each alone: the model is broken, not the photographs.
_CRASHES_IN_A_ROW = 16


class GuardedExpert:
    """An expert in a process of its own, restarted when it dies.

    A batch that ends the process is given again photograph by photograph, which costs two restarts; halving it would
    cost one for each level, and a restart loads the model.
    """

    def __init__(self, slot: str, spec: ExpertSpec, device: str) -> None:
        self._slot, self._spec, self._device = slot, spec, device
        self._process: ModelProcess | None = None
        self._sent = 0
        self._seconds_each: float | None = None
        self._crashes = 0

    def load(self) -> None:
        """Start the process and load the model, unless both are done.

        Raises:
            ModelUnavailable: the model does not load.
        """
        self._running()

    def predictions(self, batches: Iterable[Batch], timeout_s: float) -> Iterator[Outcomes]:
        """Yield the outcomes of each batch, in order; the next batch is handed over before one is awaited.

        Raises:
            ModelUnavailable: the model does not load, or dies on whatever it is given.
        """
        waiting: deque[tuple[int, Batch]] = deque()
        for batch in batches:
            waiting.append((self._send(batch, timeout_s), batch))
            if len(waiting) == 2:
                yield self._outcomes(waiting, timeout_s)
        while waiting:
            yield self._outcomes(waiting, timeout_s)

    def stop(self) -> None:
        """End the process."""
        if self._process:
            self._process.stop()
            self._process = None

    def _running(self) -> ModelProcess:
        if self._process is None:
            self._process = ModelProcess(self._slot, self._spec, self._device)
        return self._process

    def _send(self, batch: Batch, timeout_s: float) -> int:
        self._sent += 1
        self._running().send(self._sent, batch, self._limit_s(len(batch), timeout_s))
        return self._sent

    def _limit_s(self, photographs: int, timeout_s: float) -> float:
        warm_up_s = 0.0 if self._running().answered else _WARM_UP_S
        usual_s = timeout_s if self._seconds_each is None else _PATIENCE * self._seconds_each
        return warm_up_s + max(timeout_s, usual_s * photographs)

    def _outcomes(self, waiting: deque[tuple[int, Batch]], timeout_s: float) -> Outcomes:
        number, batch = waiting.popleft()
        limit_s = self._limit_s(len(batch), timeout_s)
        try:
            answered = self._running().answers(number, limit_s)
        except ModelDied:
            self._process = None
            alone = [self._alone(photograph, timeout_s) for photograph in batch]
            later = [lost for _, lost in waiting]
            waiting.clear()
            waiting.extend((self._send(lost, timeout_s), lost) for lost in later)
            return alone
        self._learn(answered, len(batch))
        return [_outcome(*answer) for answer in answered.answers]

    def _alone(self, photograph: Photograph, timeout_s: float) -> Prediction | Exception:
        limit_s = timeout_s if self._running().answered else _WARM_UP_S + timeout_s
        number = self._send([photograph], timeout_s)
        try:
            answered = self._running().answers(number, limit_s)
        except ModelDied as died:
            self._process = None
            return self._rejection(died)
        self._learn(answered, 1)
        return _outcome(*answered.answers[0])

    def _learn(self, answered: Answers, photographs: int) -> None:
        self._crashes = 0
        if photographs:
            self._seconds_each = max(self._seconds_each or 0.0, answered.seconds / photographs)

    def _rejection(self, died: ModelDied) -> RowRejected:
        self._crashes += 1
        if self._crashes >= _CRASHES_IN_A_ROW:
            raise ModelUnavailable(
                f"Model {self._spec.model} ({self._spec.family}) died on {self._crashes} photographs in a row, each"
                f" alone (the last time it {died}): the model is at fault; try another revision, device or timeout_s."
            )
        retry = f"then `spatiallake retry --stage {self._slot}`"
        if died.timed_out:
            error = f"The model {died} on this photograph alone; raise the expert's timeout_s, {retry}."
            return RowRejected(Outcome.FAILED, Reason.MODEL_TIMED_OUT, error)
        error = f"The model's process {died} on this photograph alone; try another revision of the model, {retry}."
        return RowRejected(Outcome.FAILED, Reason.MODEL_CRASHED, error)


_HELD: dict[str, GuardedExpert] = {}


def guarded_expert(slot: str, spec: ExpertSpec, device: str) -> GuardedExpert:
    """Return the expert of this worker process; it holds one at a time, so that models do not add up in memory."""
    key = f"{slot}:{device}:{spec.model_dump_json()}"
    if key not in _HELD:
        for other in _HELD.values():
            other.stop()
        _HELD.clear()
        _HELD[key] = GuardedExpert(slot, spec, device)
    return _HELD[key]


def _outcome(prediction: Prediction | None, reject: Row | None) -> Prediction | Exception:
    if reject is not None:
        return RowRejected(Outcome(reject["outcome"]), Reason(reject["reason"]), reject["error"])
    return prediction or {}
