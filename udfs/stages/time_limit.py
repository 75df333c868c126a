"""Limits how long Python code may work on one image in a worker that does its work itself."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OverTime(BaseException):
    """Raised in the middle of the work; no Exception, so that code that survives those does not survive this."""


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """Raise OverTime in the block after `limit_s`, as soon as a call into a library returns.

    Signals reach the main thread alone, in which Spark's workers work; in another thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise OverTime

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
