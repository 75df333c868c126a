"""A bounded number of processes that work for the server; one that hangs or dies is replaced."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jobs.engine.errors import ModelFailed
from jobs.serving.faults import Refused
from jobs.serving.worker import Done, Measure, Refusal, Sources, Told
from udfs.experts.isolation.piped import PipedProcess, ProcessDied

# Loading may include downloading a model.
_START_LIMIT_S = 1800.0
_AGAIN_S = 5


class _Slot:
    """One process, and the scenes that it has ready."""

    def __init__(self) -> None:
        self.process: PipedProcess | None = None
        self.ready: tuple[str, ...] = ()


class Pool:
    """Runs jobs one at a time in each of `count` processes, and kills the process of a job that takes too long."""

    def __init__(self, sources: Sources, count: int) -> None:
        self._sources = sources
        self._slots = [_Slot() for _ in range(count)]
        self._idle = list(self._slots)
        self._free = asyncio.Semaphore(count)
        self._threads = ThreadPoolExecutor(2 * count, thread_name_prefix="pool")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopped = False
        threads = max(1, (os.cpu_count() or 1) // count)
        self._environment = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

    async def start(self) -> None:
        """Start all processes.

        Raises:
            ModelFailed: an expert or a model cannot be used; the message says why.
        """
        await asyncio.gather(*(self._in_thread(self._started, slot) for slot in self._slots))

    def stop(self) -> None:
        """End all processes, also those that are about to start."""
        self._stopped = True
        for slot in self._slots:
            if slot.process is not None:
                slot.process.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, job: Any, limit_s: float, tell: Callable[[Told], object] | None = None) -> Any:
        """Return the result of a job, which may wait as long for a process as it may take there.

        Once it runs it goes on to its end or its limit, also where nobody waits for it any more.

        Raises:
            Refused: it has no result, took too long, or there was no process for it.
        """
        slot = await self._taken(job.key, limit_s)
        task = asyncio.create_task(self._work(slot, job, limit_s, tell))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _taken(self, key: str, wait_s: float) -> _Slot:
        try:
            async with asyncio.timeout(wait_s):
                await self._free.acquire()
        except TimeoutError:
            sentence = f"The server was busy for {wait_s:g} s; ask again later."
            raise Refused(sentence, 503, "overloaded", wait_s=_AGAIN_S) from None
        slot = next((one for one in self._idle if key in one.ready), self._idle[0])
        self._idle.remove(slot)
        return slot

    def _give_back(self, slot: _Slot) -> None:
        self._idle.append(slot)
        self._free.release()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may be gone

    async def _work(self, slot: _Slot, job: Any, limit_s: float, tell: Callable[[Told], object] | None) -> Any:
        loop = asyncio.get_running_loop()

        def pass_on(told: Told) -> None:
            if tell is not None:
                loop.call_soon_threadsafe(tell, told)

        try:
            answer = await self._in_thread(self._exchanged, slot, job, limit_s, pass_on)
        except ProcessDied as died:
            self._replace(slot)
            if died.timed_out:
                raise Refused(f"This took over {limit_s:g} s and was ended.", 504, "timeout") from None
            raise Refused(f"The process that worked on this {died}; send another image.", 500, "died") from None
        except ModelFailed as failed:
            self._give_back(slot)
            raise Refused(str(failed), 503) from None
        self._give_back(slot)
        if isinstance(answer, Refusal):
            raise Refused(answer.message, answer.status, answer.code)
        return answer.result

    def _replace(self, slot: _Slot) -> None:
        """Start another process; until then the slot takes no job."""

        async def replaced() -> None:
            try:
                await self._in_thread(self._started, slot)
            finally:
                self._give_back(slot)

        task = asyncio.create_task(replaced())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _started(self, slot: _Slot) -> PipedProcess:
        if slot.process is not None:
            slot.process.stop()
        slot.process, slot.ready = None, ()
        process = PipedProcess("jobs.serving.worker", self._environment)
        slot.process = process
        if self._stopped:
            process.stop()
            raise ModelFailed("The server ends.")
        try:
            process.send(self._sources, _START_LIMIT_S)
            fault = process.received(_START_LIMIT_S)
        except ProcessDied as died:
            fault = f"The process that measures {died} while it started; look at what it printed."
        if fault:
            process.stop()
            slot.process = None
            raise ModelFailed(fault)
        return process

    def _exchanged(self, slot: _Slot, job: Any, limit_s: float, tell: Callable[[Told], object]) -> Done | Refusal:
        """Return the answer to a job, in a thread.

        Raises:
            ProcessDied: the process died, or was killed after `limit_s`.
            ModelFailed: no process can be started.
        """
        process = slot.process or self._started(slot)
        ends = time.monotonic() + limit_s
        if not isinstance(job, Measure) and job.key in slot.ready:
            job = job._replace(scene=None)
        process.send(job, limit_s)
        while isinstance(answer := process.received(max(0.05, ends - time.monotonic())), Told):
            tell(answer)
        if isinstance(answer, Done):
            slot.ready = answer.ready
        return answer

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
