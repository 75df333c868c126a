"""Processor time is counted for workers that no parent waits for, as those of PySpark's daemon are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processor import control_groups, tree_seconds

BURN = "import time\nwhile time.process_time() < {seconds}: pass"
UNHEARD = (
    "import signal, subprocess, sys\n"
    "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', sys.argv[1]]).wait()"
)

needs_groups = pytest.mark.skipif(not os.access(control_groups(), os.W_OK), reason="Only root makes control groups.")


@needs_groups
def test_a_worker_whose_parent_ignores_its_end_counts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", UNHEARD, BURN.format(seconds=1.0)]
    assert tree_seconds(command, tmp_path / "log") >= 1.0


@needs_groups
def test_a_failed_command_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError, match="3"):
        tree_seconds([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")
