"""Pauses Python's search for unreachable cycles of objects while many objects are made that form none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the cyclic collector; objects whose last reference goes are freed all the same.

    For work that is bounded, such as that on one batch: every few hundred new tuples the collector would look through
    them again, and now and then through all objects of the process. What had paused it before goes on doing so.
    """
    paused_here = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused_here:
            gc.enable()
