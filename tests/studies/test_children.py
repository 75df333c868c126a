"""Rooms and lakes are made in a process of their own, whose Spark ends when the study is killed."""

import time
from pathlib import Path
from typing import Any

import psutil

from studies.claims.steps import run
from studies.claims.study import SMOKE, Study
from tests.loop.tiny import FORKS


def no_start(folder: Path, images: Any) -> None:
    raise AssertionError(f"Rooms come first, and {folder} should not be written.")


def test_rooms_and_lakes_end_with_the_study_that_asked_for_them(tmp_path: Path) -> None:
    parent = FORKS.Process(target=run, args=(Study(work=tmp_path, sizes=SMOKE, only=("none",)), no_start, "data"))
    parent.start()
    made: list[psutil.Process] = []
    while not any(one.name() == "java" for one in made):
        assert parent.is_alive()
        time.sleep(0.1)
        made = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    assert not psutil.wait_procs(made, timeout=60)[1]
