"""Kills the engine at random moments, restarts it, and compares every table with an uninterrupted run, row for row.

`python -m benchmarks.kills --kills 20 --rooms 40 --seed 1` prints one line per kill and a summary.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from scenes.crawl import write_crawl

COMPARED = (
    *("crawl", "images", "provenance", "image_scores", "regions", "depths"),
    *("scenes", "references", "qa_pairs", "qa_statistics", "quarantine"),
)


def run_command(crawl: Path, lake: Path) -> list[str]:
    """Return the command under test."""
    flags = ["--crawl", str(crawl), "--lake", str(lake), "--experts", "sensor"]
    return [sys.executable, "-m", "spatiallake", "run", *flags]


def rows_of(lake: Path, table: str) -> Counter[str]:
    """Return the multiset of row digests of a table, independent of file and row order."""
    location = lake / table
    if not location.exists():
        return Counter()
    arrow = DeltaTable(str(location)).to_pyarrow_table()
    return Counter(hashlib.sha256(repr(sorted(_plain(row).items())).encode()).hexdigest() for row in arrow.to_pylist())


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {name: repr(sorted(value)) if name == "scores" else repr(value) for name, value in row.items()}


def kill_after(command: list[str], seconds: float, log: Path) -> bool:
    """Start the command, SIGKILL it with all its children after `seconds`; return whether it was still running."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        try:
            process.wait(timeout=seconds)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True


def run_to_end(command: list[str], log: Path) -> float:
    """Run the command without interruption and return its wall time in seconds."""
    started_at = time.monotonic()
    with log.open("ab") as out:
        subprocess.run(command, stdout=out, stderr=out, check=True)
    return time.monotonic() - started_at


def differences(expected: Path, actual: Path) -> list[str]:
    """Return one line per table of `actual` that differs from `expected`."""
    lines = []
    for table in COMPARED:
        want, have = rows_of(expected, table), rows_of(actual, table)
        if want != have:
            lost, extra = sum((want - have).values()), sum((have - want).values())
            lines.append(f"{table}: {lost} rows lost, {extra} rows extra of {sum(want.values())}")
    return lines


def check(crawl: Path, folder: Path, kills: int, kills_per_lake: int, seed: int) -> list[str]:
    """Return the differences after `kills` kills; each lake is killed `kills_per_lake` times, then completed."""
    log = folder / "log.txt"
    reference = folder / "reference"
    run_s = run_to_end(run_command(crawl, reference), log)
    answers = sum(rows_of(reference, "qa_pairs").values())
    print(f"uninterrupted run: {run_s:.1f} s, {answers} answers", flush=True)
    all_differences: list[str] = []
    draws = random.Random(seed)
    for first in range(0, kills, kills_per_lake):
        lake = folder / f"killed-{first}"
        for number in range(first, min(kills, first + kills_per_lake)):
            moment_s = draws.uniform(0, run_s)
            alive = kill_after(run_command(crawl, lake), moment_s, log)
            print(f"kill {number + 1}: after {moment_s:5.1f} s, {'killed' if alive else 'had finished'}", flush=True)
        run_to_end(run_command(crawl, lake), log)
        different = differences(reference, lake)
        print(f"  completed: {'equal' if not different else '; '.join(different)}", flush=True)
        all_differences += different
    return all_differences


def main() -> None:
    """Run the check and exit with 1 if a table differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kills-per-lake", type=int, default=2)
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_crawl(str(folder / "crawl"), count=options.rooms, seed=options.seed, width=256, height=192)
        different = check(folder / "crawl", folder, options.kills, options.kills_per_lake, options.seed)
    print(f"{options.kills} kills, {len(different)} tables differ")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
