"""A run that follows a growing crawl, killed at random moments: nothing may be lost or doubled, and memory stays flat.

`python -m benchmarks.follow --minutes 10 --seed 3` lets rooms arrive in a crawl a few at a time, while `spatiallake run
--follow` is at work. Every minute or so Java or the whole command is killed with SIGKILL and the command is started
again, as a scheduler would. At the end the lake is compared with one that was made of the whole crawl at once, and the
resident memory of the process tree halfway and at the end. It exits with 1 if a row is lost or doubled.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from deltalake import DeltaTable

from benchmarks.engine import copied_line
from benchmarks.kills import kill_part
from benchmarks.processor import heading
from scenes.crawl import write_crawl
from scenes.truth.measure import read_manifest

# Rows are compared by these; their ingest shards and days depend on when an image arrived.
_KEYS = {
    "crawl": ["entry_id"],
    "images": ["image_id"],
    "provenance": ["entry_id", "image_id"],
    "near_duplicates": ["image_id"],
    "image_scores": ["image_id", "recipe"],
    "regions": ["image_id", "recipe"],
    "depths": ["image_id", "recipe"],
    "scenes": ["image_id", "recipe"],
    "references": ["image_id", "recipe"],
    "qa_pairs": ["qa_id", "image_id", "question", "answer", "recipe"],
}
_TARGETS = ("java", "tree")


@dataclass
class Crawl:
    """A crawl in which images arrive: copies of a few rooms, each with bytes of its own."""

    folder: Path
    rows: list[dict]
    base: Path
    arrived: int = 0

    def add(self, count: int) -> None:
        """Let images arrive: first their files, then their lines of the manifest."""
        lines = []
        for index in range(self.arrived, self.arrived + count):
            image = self.folder / "images" / f"{index:06d}.jpg"
            lines.append(copied_line(self.base, self.rows[index % len(self.rows)], image, index))
        with self.manifest.open("a", encoding="utf-8") as manifest:
            manifest.writelines(f"{line}\n" for line in lines)
        self.arrived += count

    @property
    def manifest(self) -> Path:
        """Return the manifest, which grows."""
        return self.folder / "manifest.jsonl"

    def command(self, lake: Path) -> list[str]:
        """Return the command that brings a lake up to date with the crawl."""
        start = [sys.executable, "-m", "spatiallake", "run", "--crawl", str(self.manifest), "--lake", str(lake)]
        return [*start, "--experts", "sensor", "--set", f"ingest.allowed_roots=[{self.folder.parent}]"]


@dataclass
class Outcome:
    """What happened: kills by target, memory in MB over time, and what is wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    memory_mb: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def followed(folder: Path, minutes: float, seconds_between_kills: float, seed: int) -> tuple[Crawl, Path, Outcome]:
    """Let a command follow a growing crawl for a while; return the crawl, the lake and what happened."""
    draws, outcome, lake = random.Random(seed), Outcome(), folder / "lake"
    base = folder / "base"
    write_crawl(str(base), count=12, seed=seed, width=160, height=120)
    crawl = Crawl(folder / "crawl", read_manifest(base), base)
    crawl.folder.mkdir()
    crawl.add(3)
    command = crawl.command(lake)
    end, next_kill = time.monotonic() + minutes * 60, time.monotonic() + seconds_between_kills
    with (folder / "log").open("ab") as log:
        process = None
        while time.monotonic() < end:
            if process is None or process.poll() is not None:
                process = subprocess.Popen([*command, "--follow", "2"], stdout=log, stderr=log, start_new_session=True)
            time.sleep(1)
            if draws.random() < 0.1:
                crawl.add(draws.randint(1, 4))
            outcome.memory_mb.append(_memory_mb(process.pid))
            if time.monotonic() >= next_kill:
                outcome.kills.update([kill_part(process, draws.choice(_TARGETS)) or "none"])
                process.wait()
                next_kill = time.monotonic() + seconds_between_kills * draws.uniform(0.5, 1.5)
        if process is not None and process.poll() is None:
            outcome.kills.update([kill_part(process, "tree") or "none"])
            process.wait()
        # What the last kill cut off is made by running the command to its end.
        done = subprocess.run(command, stdout=log, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        outcome.faults.append(f"exit code {done.returncode}: {done.stderr.decode()[-2000:]}")
    return crawl, lake, outcome


def compared(crawl: Crawl, lake: Path, folder: Path) -> list[str]:
    """Compare the lake with one that is made of the whole crawl at once."""
    whole = folder / "whole"
    subprocess.run(crawl.command(whole), check=True, capture_output=True)
    found = []
    for name, keys in _KEYS.items():
        want, have = (Counter(_rows(place / name, keys)) for place in (whole, lake))
        lost, extra = sum((want - have).values()), sum((have - want).values())
        if lost or extra:
            found.append(f"{name}: {lost} rows lost, {extra} rows extra of {sum(want.values())}")
    counted = [sum(row[0] for row in _rows(place / "qa_statistics", ["answers"])) for place in (whole, lake)]
    if counted[0] != counted[1]:
        found.append(f"qa_statistics: counts {counted[1]} answers, not {counted[0]}")
    return found


def _rows(table: Path, columns: list[str]) -> Iterator[tuple]:
    rows = DeltaTable(str(table)).to_pyarrow_table(columns=columns)
    return zip(*(rows[name].to_pylist() for name in columns), strict=True)


def _memory_mb(root: int) -> float:
    """Return the resident memory of a process and all below it in MB."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for process in (top := psutil.Process(root), *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total / 1e6


def main() -> None:
    """Follow, compare, and exit with 1 if anything is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seconds-between-kills", type=float, default=60)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        crawl, lake, outcome = followed(Path(name), options.minutes, options.seconds_between_kills, options.seed)
        found = [*outcome.faults, *compared(crawl, lake, Path(name))]
    peaks = _thirds(outcome.memory_mb)
    print(
        f"{crawl.arrived} images arrived; killed: {dict(outcome.kills)}; largest resident memory in each third of the"
        f" time: {', '.join(f'{peak:,.0f} MB' for peak in peaks)}"
    )
    print("\n".join([*found, f"{len(found)} faults"]))
    sys.exit(1 if found else 0)


def _thirds(values: list[float]) -> list[float]:
    size = max(len(values) // 3, 1)
    return [max(values[start : start + size], default=0.0) for start in range(0, size * 3, size)]


if __name__ == "__main__":
    main()
