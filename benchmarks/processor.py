"""Processor time of whole process trees, and the words that go with every figure."""

import ctypes
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the parent of every orphan below it, so that no worker's time is lost (Linux only)."""
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("The kernel refused PR_SET_CHILD_SUBREAPER; run the engine benchmark on Linux.")


def tree_seconds(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> float:
    """Run a command and return the user + system seconds of it and of all its descendants.

    Needs `adopt_orphans` first. Raises CalledProcessError, naming the log, when the command fails.
    """
    before = _children_seconds()
    with log.open("ab") as sink:
        status = subprocess.Popen(command, stdout=sink, stderr=sink, env={**os.environ, **(environment or {})}).wait()
    while True:  # the JVM leaves its Python workers behind; they count too
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    if status:
        raise subprocess.CalledProcessError(status, command, f"see {log}")
    return _children_seconds() - before


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def heading() -> str:
    """Return the command, the machine and the date as one line."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = f"{os.cpu_count()}-core {platform.machine()}, {memory_gib:.0f} GiB, Python {platform.python_version()}"
    spec = sys.modules["__main__"].__spec__
    command = " ".join(["python", "-m", spec.name if spec else sys.argv[0], *sys.argv[1:]])
    return f"`{command}` ({name}; {datetime.now(UTC):%Y-%m-%d})"
