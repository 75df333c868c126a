"""Learned experts isolated in a process: an image that kills or hangs the model is rejected alone."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from schemas.reasons import Outcome, Reason
from udfs.experts.expert import ExpertSpec, ImageRow, Prediction
from udfs.experts.isolation.child import Answers
from udfs.experts.isolation.piped import ProcessDied
from udfs.experts.isolation.process import ModelProcess
from udfs.experts.loading import ModelUnavailable
from udfs.stages.rows import Row, RowRejected

Batch = Sequence[ImageRow]
Outcomes = list[Prediction | Exception]

# The first batch of a process also initializes the device and its kernels.
_WARM_UP_S = 60.0
# A batch that takes this many times the longest time per image so far is taken to hang.
_PATIENCE = 10.0
# After so many crashes in a row, each on one image alone, the model is at fault and not the images.
_CRASHES_IN_A_ROW = 16


class GuardedExpert:
    """An expert in a process of its own, restarted when it dies.

    A batch that ends the process is retried image by image, which costs two restarts; bisection would cost one per
    level, and every restart loads the model again.
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
        """Yield the outcomes of each batch, in order; the next batch is sent before one is awaited.

        Raises:
            ModelUnavailable: the model does not load, or dies on every image.
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

    def _limit_s(self, images: int, timeout_s: float) -> float:
        warm_up_s = 0.0 if self._running().answered else _WARM_UP_S
        usual_s = timeout_s if self._seconds_each is None else _PATIENCE * self._seconds_each
        return warm_up_s + max(timeout_s, usual_s * images)

    def _outcomes(self, waiting: deque[tuple[int, Batch]], timeout_s: float) -> Outcomes:
        number, batch = waiting.popleft()
        limit_s = self._limit_s(len(batch), timeout_s)
        try:
            answered = self._running().answers(number, limit_s)
        except ProcessDied:
            self._process = None
            alone = [self._alone(row, timeout_s) for row in batch]
            later = [lost for _, lost in waiting]
            waiting.clear()
            waiting.extend((self._send(lost, timeout_s), lost) for lost in later)
            return alone
        self._record(answered, len(batch))
        return [_outcome(*answer) for answer in answered.answers]

    def _alone(self, row: ImageRow, timeout_s: float) -> Prediction | Exception:
        limit_s = timeout_s if self._running().answered else _WARM_UP_S + timeout_s
        number = self._send([row], timeout_s)
        try:
            answered = self._running().answers(number, limit_s)
        except ProcessDied as died:
            self._process = None
            return self._rejection(died)
        self._record(answered, 1)
        return _outcome(*answered.answers[0])

    def _record(self, answered: Answers, images: int) -> None:
        self._crashes = 0
        if images:
            self._seconds_each = max(self._seconds_each or 0.0, answered.seconds / images)

    def _rejection(self, died: ProcessDied) -> RowRejected:
        self._crashes += 1
        if self._crashes >= _CRASHES_IN_A_ROW:
            raise ModelUnavailable(
                f"Model {self._spec.model} ({self._spec.family}) died on {self._crashes} images in a row, each alone"
                f" (the last time it {died}), so the model is at fault; try another revision, device or timeout_s."
            )
        retry = f"then `spatiallake retry --stage {self._slot}`"
        if died.timed_out:
            error = f"The model {died} on this image alone; raise the expert's timeout_s, {retry}."
            return RowRejected(Outcome.FAILED, Reason.MODEL_TIMED_OUT, error)
        error = f"The model's process {died} on this image alone; try another revision of the model, {retry}."
        return RowRejected(Outcome.FAILED, Reason.MODEL_CRASHED, error)


_HELD: dict[str, GuardedExpert] = {}


def guarded_expert(slot: str, spec: ExpertSpec, device: str) -> GuardedExpert:
    """Return the expert of this worker process, which keeps one at a time in memory."""
    key = f"{slot}:{device}:{spec.model_dump_json()}"
    if key not in _HELD:
        release_experts()
        _HELD[key] = GuardedExpert(slot, spec, device)
    return _HELD[key]


def release_experts() -> None:
    """End the model's process of this worker process, if it has one."""
    for held in _HELD.values():
        held.stop()
    _HELD.clear()


def _outcome(prediction: Prediction | None, reject: Row | None) -> Prediction | Exception:
    if reject is not None:
        return RowRejected(Outcome(reject["outcome"]), Reason(reject["reason"]), reject["error"])
    return prediction or {}
