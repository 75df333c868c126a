"""Processes that a study begins and that do not outlive it."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any


def run_module(name: str, arguments: Sequence[str], environment: Mapping[str, str], out: IO[Any] | None = None) -> int:
    """Run a module that calls `end_with_parent`, with its output to a file or here, and return how it ended."""
    command = [sys.executable, "-m", name, *arguments]
    # `subprocess.run` would close the pipe at once, which is how the module knows that it is alone.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=out, stderr=out, env={**environment, **os.environ}
    ) as process:
        return process.wait()


def end_with_parent() -> None:
    """End this process when the one that began it does: begun again, a study would do the same beside it."""

    def watch() -> None:
        # Not by `sys.stdin`, whose lock would be held in every process that is forked meanwhile.
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
