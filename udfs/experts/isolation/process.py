"""A handle on the model's own process: load an expert in it, and exchange batches within a time limit."""

from collections.abc import Sequence

from udfs.experts.expert import ExpertSpec, ImageRow
from udfs.experts.isolation.child import Answers
from udfs.experts.isolation.piped import PipedProcess, ProcessDied
from udfs.experts.loading import ModelUnavailable

# Loading may include downloading the model.
_LOAD_LIMIT_S = 1800.0


class ModelProcess:
    """A process with one loaded expert; rows cross the pipe unchanged, with compressed images.

    Raises:
        ModelUnavailable: the expert does not load; the message says why.
    """

    def __init__(self, slot: str, spec: ExpertSpec, device: str) -> None:
        self.answered = 0
        self._process = PipedProcess("udfs.experts.isolation.child")
        try:
            self._process.send((slot, spec, device), _LOAD_LIMIT_S)
            fault = self._process.received(_LOAD_LIMIT_S)
        except ProcessDied as died:
            raise ModelUnavailable(f"Model {spec.model} ({spec.family}) does not load: its process {died}.") from None
        if fault:
            self.stop()
            raise ModelUnavailable(fault)

    def send(self, number: int, batch: Sequence[ImageRow], limit_s: float) -> None:
        """Send a batch; a dead process is only noticed when its answers are awaited."""
        try:
            self._process.send((number, batch), limit_s)
        except ProcessDied:
            return

    def answers(self, number: int, limit_s: float) -> Answers:
        """Return the answers to a batch; answers that an earlier task abandoned are skipped.

        Raises:
            ProcessDied: the process died, or was killed after `limit_s` without an answer.
        """
        found: Answers = self._process.received(limit_s)
        while found.number != number:
            found = self._process.received(limit_s)
        self.answered += 1
        return found

    def stop(self) -> None:
        """End the process."""
        self._process.stop()
