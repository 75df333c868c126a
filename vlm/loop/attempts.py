"""Calls of MLflow that may fail while a model trains: reported, kept and tried again, never raised."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

from mlflow.exceptions import MlflowException

Result = TypeVar("Result")
Warn = Callable[[str], None]

# Before the second and the third attempt; and how long attempts may take together, and rest after a failure.
_PAUSES_S, _LONGEST_S, _REST_S = (1.0, 4.0), 60.0, 30.0
_CLIENT_ERRORS, _TEMPORARY = range(400, 500), (408, 429)
_SECRET = re.compile(r"//[^/@\s]+@")


class Attempts:
    """Calls in order; one that fails is reported by `warn` and waits for `again`."""

    def __init__(self, warn: Warn) -> None:
        self._warn = warn
        self._undone: list[tuple[str, Callable[[], object]]] = []
        self._failed_s: float | None = None

    def __len__(self) -> int:
        return len(self._undone)

    @property
    def resting(self) -> bool:
        """Return whether a call failed a moment ago, so that another one would only hold up the training."""
        return self._failed_s is not None and time.monotonic() - self._failed_s < _REST_S

    def do(self, what: str, call: Callable[[], object]) -> None:
        """Make a call, or keep it for `again`."""
        if self.resting or not self.tried(what, call):
            self._undone.append((what, call))

    def again(self, patient: bool = False) -> bool:
        """Make the calls that failed; return whether none is left."""
        while self._undone:
            if not self.tried(*self._undone[0], patient):
                return False
            del self._undone[0]
        return True

    def tried(self, what: str, call: Callable[[], object], patient: bool = False) -> bool:
        """Make a call; return whether it is done with, since it succeeded or would be refused again."""
        try:
            patiently(call) if patient else call()
        except Exception as error:  # whatever the store behind MLflow raises
            done = is_refused(error)
            self._warn(f"Warning: MLflow cannot {what} ({cause_of(error)}){'' if done else '; it is tried again'}.")
            if not done:
                self._failed_s = time.monotonic()
            return done
        return True


def patiently(call: Callable[[], Result]) -> Result:
    """Return what a call returns, which is tried again after pauses, unless it would be refused again."""
    began_s = time.monotonic()
    for pause_s in _PAUSES_S:
        try:
            return call()
        except Exception as error:  # whatever the store behind MLflow raises
            if is_refused(error) or time.monotonic() - began_s > _LONGEST_S:
                raise
            time.sleep(pause_s)
    return call()


def is_refused(error: Exception) -> bool:
    """Return whether the same request would fail again."""
    code = error.get_http_status_code() if isinstance(error, MlflowException) else 500
    return code in _CLIENT_ERRORS and code not in _TEMPORARY


def cause_of(error: Exception) -> str:
    """Return the first line of an error, for a sentence, without passwords of URLs."""
    lines = _SECRET.sub("//", str(error)).strip().splitlines()
    return lines[0][:200].rstrip(". ") if lines else type(error).__name__
