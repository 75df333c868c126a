"""A handle on the model's own process: start it, exchange batches within a time limit, report how it died."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe

from udfs.experts.expert import ExpertSpec, ImageRow
from udfs.experts.isolation.child import Answers
from udfs.experts.loading import ModelUnavailable

# Loading may include downloading the model.
_LOAD_LIMIT_S = 1800.0
_START = "from udfs.experts.isolation.child import main; main()"


class ModelDied(Exception):
    """The process died, or was killed because it `timed_out`; the message says how."""

    def __init__(self, timed_out: bool, how: str) -> None:
        super().__init__(how)
        self.timed_out = timed_out


class ModelProcess:
    """A process with one loaded expert.

    It is a new interpreter and not a fork, since CUDA and threads do not survive one. Rows cross the pipe unchanged,
    with compressed images.

    Raises:
        ModelUnavailable: the expert does not load; the message says why.
    """

    def __init__(self, slot: str, spec: ExpertSpec, device: str) -> None:
        self.answered = 0
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=2,  # the worker's standard output belongs to Spark
                env=_environment(),
            )
        try:
            with self._within(_LOAD_LIMIT_S):
                self._connection.send((slot, spec, device))
                fault = self._connection.recv()
        except ModelDied as died:
            raise ModelUnavailable(f"Model {spec.model} ({spec.family}) does not load: its process {died}.") from None
        if fault:
            self.stop()
            raise ModelUnavailable(fault)

    def send(self, number: int, batch: Sequence[ImageRow], limit_s: float) -> None:
        """Send a batch; a dead process is only noticed when its answers are awaited."""
        try:
            with self._within(limit_s):
                self._connection.send((number, batch))
        except ModelDied:
            return

    def answers(self, number: int, limit_s: float) -> Answers:
        """Return the answers to a batch; answers that an earlier task abandoned are skipped.

        Raises:
            ModelDied: the process died, or was killed after `limit_s` without an answer.
        """
        with self._within(limit_s):
            found: Answers = self._connection.recv()
            while found.number != number:
                found = self._connection.recv()
        self.answered += 1
        return found

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._connection.close()

    @contextmanager
    def _within(self, limit_s: float) -> Iterator[None]:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit_s, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (EOFError, OSError):
            status = self._exit_status()
            raise ModelDied(late.is_set(), f"took over {limit_s:.0f} s" if late.is_set() else status) from None
        finally:
            timer.cancel()

    def _exit_status(self) -> str:
        self._connection.close()
        code = self._process.wait()
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    """Return the worker's environment with its import path, and with quiet libraries unless it says otherwise.

    A model has one thread, as in Spark's workers: sums over several threads would differ in their last digits.
    """
    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1"}
    return {**quiet, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
