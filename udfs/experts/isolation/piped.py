"""A process of our own behind a pipe: start it, exchange messages within a time limit, report how it died."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import Any


class ProcessDied(Exception):
    """The process died, or was killed because it `timed_out`; the message says how."""

    def __init__(self, timed_out: bool, how: str) -> None:
        super().__init__(how)
        self.timed_out = timed_out


class PipedProcess:
    """A new interpreter that runs `main` of a module with the file descriptor of its end of the pipe.

    It is no fork, since CUDA and threads do not survive one.
    """

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        self._closing = threading.Lock()
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {module} import main; main()", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output belongs to whoever started it
                env={**_environment(), **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def send(self, message: Any, limit_s: float) -> None:
        """Send a message.

        Raises:
            ProcessDied: the process died, or was killed because it did not take the message within `limit_s`.
        """
        with self._within(limit_s):
            self._connection.send(message)

    def received(self, limit_s: float) -> Any:
        """Return the next message of the process.

        Raises:
            ProcessDied: the process died, or was killed after `limit_s` without a message.
        """
        with self._within(limit_s):
            return self._connection.recv()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        # A thread that waits for a message closes the pipe as well when the process ends.
        with self._closing:
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
            raise ProcessDied(late.is_set(), f"took over {limit_s:.0f} s" if late.is_set() else status) from None
        finally:
            timer.cancel()

    def _exit_status(self) -> str:
        self._close()
        code = self._process.wait()
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    """Return the process's environment with its import path, and with quiet libraries unless it says otherwise.

    A model has one thread, as in Spark's workers: sums over several threads would differ in their last digits.
    """
    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1"}
    return {**quiet, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
