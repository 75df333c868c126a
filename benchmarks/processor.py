"""Measures the processor time of process trees, and describes the machine."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

# Control groups version 1 have a separate accounting controller; version 2 accounts in every group.
_GROUPS_V1, _GROUPS_V2 = Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")
_ENTER = 'echo 0 > "$0" && exec "$@"'


def tree_seconds(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> float:
    """Run a command and return the user + system seconds of it and all its descendants.

    A control group counts them, because PySpark's daemon does not wait for its workers and so loses their times.
    Raises CalledProcessError, which names the log, if the command fails, and OSError if no control group can be made.
    """
    with _control_group() as group, log.open("ab") as sink:
        entered = ["/bin/sh", "-c", _ENTER, str(group / "cgroup.procs"), *command]
        status = subprocess.run(
            entered, stdout=sink, stderr=sink, env={**os.environ, **(environment or {})}, check=False
        ).returncode
        seconds = _seconds(group)
    if status:
        raise subprocess.CalledProcessError(status, command, f"see {log}")
    return seconds


def control_groups() -> Path:
    """Return the folder for control groups that count processor time."""
    return _GROUPS_V1 if _GROUPS_V1.is_dir() else _GROUPS_V2


@contextmanager
def _control_group() -> Iterator[Path]:
    parent = control_groups()
    try:
        group = Path(tempfile.mkdtemp(prefix="spatiallake-", dir=parent))
    except OSError as error:
        raise OSError(f"Cannot make a control group in {parent} ({error}); run this benchmark as root.") from error
    try:
        yield group
    finally:
        _wait_until_empty(group)
        group.rmdir()


def _seconds(group: Path) -> float:
    _wait_until_empty(group)
    if (group / "cpuacct.usage").exists():
        return int((group / "cpuacct.usage").read_text()) / 1e9
    lines = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(lines["usage_usec"]) / 1e6


def _wait_until_empty(group: Path, patience_s: float = 60.0) -> None:
    """Wait for the remaining workers, which end by themselves after the command."""
    waited_until = time.monotonic() + patience_s
    while (group / "cgroup.procs").read_text().strip() and time.monotonic() < waited_until:
        time.sleep(0.1)


def heading() -> str:
    """Return the command, the machine and the date as one line."""
    spec = sys.modules["__main__"].__spec__
    command = " ".join(["python", "-m", spec.name if spec else sys.argv[0], *sys.argv[1:]])
    return f"`{command}` ({machine()}; {datetime.now(UTC):%Y-%m-%d})"


def machine() -> str:
    """Return the machine's size and Python in a few words."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()}-core {platform.machine()}, {memory_gib:.0f} GiB, Python {platform.python_version()}"
