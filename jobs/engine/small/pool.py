"""The processes of a small run: as many as there are cores, each with the engine loaded, for as long as the run."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import TypeVar

import pyarrow as pa

Batches = Callable[..., Iterator[pa.RecordBatch]]
Item = TypeVar("Item")
Made = TypeVar("Made")

# A process takes about a second to start, in which one works on some twenty images.
_WORTH_A_PROCESS = 24
_MODULES = ["jobs.engine.registry"]


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Runs functions of batches, here or, where there is enough to do, in processes that start when first needed."""

    def __init__(self) -> None:
        self._executor: ProcessPoolExecutor | None = None
        self._held: Connection | None = None

    def mapped(
        self, batches: Iterable[pa.RecordBatch], function: Batches, schema: pa.Schema, rows: int, here: bool = False
    ) -> Iterator[list[pa.RecordBatch]]:
        """Yield what `function(batches, schema=)` makes of each batch, in order; `rows` are those of all batches.

        With `here`, the function gets all batches as one iterator, in this process.

        Raises:
            BrokenProcessPool: a process was killed.
        """
        if here:
            yield list(function(iter(batches), schema=schema))
        else:
            yield from self.each(partial(_made, function, schema), batches, rows)

    def each(self, task: Callable[[Item], Made], items: Iterable[Item], rows: int) -> Iterator[Made]:
        """Yield what a task makes of each item, in order; `rows` says how much there is to do.

        Raises:
            BrokenProcessPool: a process was killed.
        """
        cores = usable_cores()
        if rows < _WORTH_A_PROCESS or cores == 1:
            yield from map(task, items)
            return
        if self._executor is None:
            watched, self._held = multiprocessing.Pipe(duplex=False)
            self._executor = _started(cores, watched)
        waiting: deque[Future[Made]] = deque()
        for item in items:
            waiting.append(self._executor.submit(task, item))
            # Few are under way at a time, so that memory does not grow with the crawl.
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def close(self) -> None:
        """End the processes; what they are working on is given up."""
        if self._executor is not None and self._held is not None:
            # They end by this. One that started while another was killed would wait for work forever.
            self._held.close()
            # Python itself, at its end, writes to a pipe that the executor's thread may be closing just then.
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = self._held = None


@contextmanager
def pool() -> Iterator[Pool]:
    """Return a pool whose processes end with the block."""
    made = Pool()
    try:
        yield made
    finally:
        made.close()


def _started(cores: int, watched: Connection) -> ProcessPoolExecutor:
    context = _context()
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        # One process runs per core already; each takes its environment from here.
        executor = ProcessPoolExecutor(cores, context, initializer=_begin, initargs=(watched,))
        for _ in range(cores):
            executor.submit(os.getpid)
        return executor
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]


def _context() -> BaseContext:
    # A fork of this process would inherit locks of threads that it does not have.
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_MODULES)
    return context


def _begin(watched: Connection) -> None:
    """Leave Ctrl-C to the command, and end with the pool, or with the command, however it ends.

    `watched` is readable once the pool has closed its end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    ends = [watched] if parent is None else [watched, parent.sentinel]
    threading.Thread(target=_end_with, args=(ends,), daemon=True).start()


def _end_with(ends: list[Connection | int]) -> None:
    wait(ends)
    os._exit(1)


def _made(function: Batches, schema: pa.Schema, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    return list(function(iter([batch]), schema=schema))
