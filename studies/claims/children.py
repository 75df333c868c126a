"""Child processes that end with the study."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any


def run_module(name: str, arguments: Sequence[str], environment: Mapping[str, str], out: IO[Any] | None = None) -> int:
    """Run a module that calls `end_with_parent`, with its output to `out` or here, and return its exit code."""
    command = [sys.executable, "-m", name, *arguments]
    # A closed pipe tells the module that its parent has ended, so `subprocess.run`, which closes it, cannot be used.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=out, stderr=out, env={**environment, **os.environ}
    ) as process:
        return process.wait()


def end_with_parent() -> None:
    """End this process with its parent, since a restarted study would repeat its work."""

    def watch() -> None:
        # Not `sys.stdin`, whose lock would stay locked in forked processes.
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
