"""What ends a command from outside, told in one sentence: a killed process, a full disk, another writer."""

import errno
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import gettempdir

from py4j.protocol import Py4JError
from pyspark import SparkContext

from jobs.engine.errors import LakeUnwritable, SpatialLakeError, Stopped

_SECONDS_TO_END = 2.0
_AGAIN = "run the same command again: what was committed stays, the rest is made again, and nothing is doubled."
# Spark reports most of these as text of a Java error; the first one that fits is the cause.
_FULL = r"No space left on device|Disk quota exceeded|not enough space on the disk"
_SIGNS = (
    (
        r"JAVA_GATEWAY_EXITED",
        "Java ended while it was starting, often for lack of memory; make room for `--set driver_memory`, then",
    ),
    (
        r"OutOfMemoryError|Java heap space|GC overhead limit",
        "Java ran out of memory; give it more with `--set driver_memory=8g`, then",
    ),
    (
        r"Python worker exited unexpectedly|Python worker failed to connect back|Python worker process terminated"
        r"|process in the process pool was terminated abruptly|process pool is not usable anymore",
        "A Python worker was killed, often for lack of memory;",
    ),
    (
        r"Concurrent(Append|Delete\w+|Transaction|Write)Exception|DELTA_CONCURRENT|MetadataChangedException"
        r"|ProtocolChangedException|CONCURRENT_STREAM_LOG_UPDATE|streaming queries are concurrently",
        "Another command wrote to the same table of this lake; wait until it has ended, then",
    ),
)


@contextmanager
def accidents(where: str = "") -> Iterator[None]:
    """Reduce what ended a command from outside to one sentence; `where` says what it was doing.

    Raises:
        Stopped: Java or a worker was killed, or another command wrote at the same time.
        LakeUnwritable: the disk is full.
    """
    try:
        yield
    except SpatialLakeError:
        raise
    except Exception as error:
        accident = accident_of(error, where)
        if accident is None:
            raise
        raise accident from None


def accident_of(error: BaseException, where: str = "") -> SpatialLakeError | None:
    """Return what ended a command from outside, and the way on; None for an error of any other kind."""
    chain = list(_chain(error))
    text = "\n".join(str(one) for one in chain)
    full = any(isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT) for one in chain)
    if full or re.search(_FULL, text):
        return LakeUnwritable(
            f"{where}The disk is full, that of the lake or the one for temporary files ({gettempdir()}); free some"
            f" space, then {_AGAIN}"
        )
    for sign, sentence in _SIGNS:
        if re.search(sign, text):
            return Stopped(f"{where}{sentence} {_AGAIN}")
    if _java_is_gone(any(isinstance(one, Py4JError | ConnectionError) for one in chain)):
        return Stopped(f"{where}Java was killed, often for lack of memory; {_AGAIN}")
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _java_is_gone(suspected: bool) -> bool:
    """Return whether the Java process of this process's session has ended: then any error may be due to that."""
    process = getattr(SparkContext._gateway, "proc", None)  # pyright: ignore[reportPrivateUsage]
    if process is None:
        return False
    try:
        return process.wait(_SECONDS_TO_END if suspected else 0) is not None
    except subprocess.TimeoutExpired:
        return False
