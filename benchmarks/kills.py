"""Kills Java, a worker or the whole engine at random moments, and compares every table with an undisturbed lake.

`python -m benchmarks.kills --kills 20 --rooms 12 --seed 11` runs `run`, `examples`, `backfill` and `retry`, each killed
and started again until it ends, and prints one line per kill and a summary. A kill comes up to two seconds after a
random line of progress, so that it hits however fast the machine is. A command whose Java or worker was killed has to
end in one sentence. With `--small`, the runs do without Spark, and one of their own processes or all is killed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.same_rows import differences, rows_of
from scenes.crawl import write_crawl

TARGETS = ("java", "worker", "tree")
SMALL_TARGETS = ("process", "tree")
_STOPPED = 9


@dataclass(frozen=True)
class Ended:
    """How a command ended that something of it was killed in; `killed` None: it was faster."""

    killed: str | None
    code: int
    told: str

    @property
    def faults(self) -> list[str]:
        """Return what is wrong with the end: anything but one sentence and the code of a killed process."""
        if self.killed in (None, "tree") or self.code == 0:
            return []
        lines = [line for line in self.told.splitlines() if line.strip() and not line.startswith("{")]
        sentences = [line for line in lines if line.startswith("spatiallake: ")]
        if self.code == _STOPPED and len(sentences) == 1 and "Traceback" not in self.told:
            return []
        return [f"{self.killed} killed: code {self.code}, {len(lines)} lines: {' | '.join(lines)[:2000]}"]


def write_damaged_crawl(folder: Path, rooms: int, seed: int) -> None:
    """Render rooms as a crawl in which an image is cut short and a pose is no pose."""
    write_crawl(str(folder), count=rooms, seed=seed, width=160, height=120)
    manifest = folder / "manifest.jsonl"
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    short = folder / rows[1]["image"]
    short.write_bytes(short.read_bytes()[:-900])
    rows[2]["pose"][0][0] = float("nan")
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def commands(crawl: Path, lake: Path, small: bool = False) -> dict[str, list[str]]:
    """Return the commands under test, in order, by name; `small` ones do without Spark where they can."""
    limit = [] if small else ["--set", "max_images_without_spark=0"]
    arguments = {
        "run": ["--crawl", str(crawl), "--experts", "sensor"],
        "examples": [],
        "backfill": ["--set", "disambiguate.seed=7"],
        "retry": [],
    }
    start = [sys.executable, "-m", "spatiallake"]
    return {name: [*start, name, "--lake", str(lake), *more, *limit] for name, more in arguments.items()}


def run_to_end(command: list[str], log: Path) -> int:
    """Run the command without interruption and return how many lines of progress it printed."""
    with log.open("ab") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False)
        out.write(done.stderr)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr.decode()[-3000:])
    return sum(line.startswith(b"{") for line in done.stderr.splitlines())


def killed_after(command: list[str], target: str, lines: int, seconds: float, log: Path) -> Ended:
    """Start the command, SIGKILL its Java process, one of its workers or all of it, and wait.

    The kill comes `seconds` after the command has printed so many lines of progress.
    """
    told = log.with_suffix(".killed")
    with told.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        while process.poll() is None and told.read_bytes().count(b"\n{") < lines:
            time.sleep(0.05)
        try:
            process.wait(timeout=seconds)
            victim = None
        except subprocess.TimeoutExpired:
            victim = kill_part(process, target)
        process.wait()
    text = told.read_text(encoding="utf-8", errors="replace")
    with log.open("a", encoding="utf-8") as whole:
        whole.write(text)
    return Ended(victim, process.returncode, text)


def kill_part(process: "subprocess.Popen[bytes]", target: str) -> str | None:
    """Kill the target as soon as there is one; return it, or None where the command was faster."""
    while process.poll() is None:
        if target == "tree":
            os.killpg(process.pid, signal.SIGKILL)
            return target
        below = dict(_children(process.pid))
        if target == "process":
            # Those of a small run are the children of a server that starts them.
            workers = [pid for one in below for pid, _ in _children(one)]
            if workers:
                os.kill(workers[0], signal.SIGKILL)
                return target
            time.sleep(0.01)
            continue
        java = [pid for pid, name in below.items() if name == "java"]
        daemons = [pid for one in java for pid, _ in _children(one)]
        victims = java if target == "java" else [pid for one in daemons for pid, _ in _children(one)]
        if victims:
            os.kill(victims[0], signal.SIGKILL)
            return target
        time.sleep(0.05)
    return None


def _children(parent: int) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        try:
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(rest.split()[1]) == parent:
            yield int(entry.name), name


def check(crawl: Path, folder: Path, kills: int, kills_per_lake: int, seed: int, small: bool) -> list[str]:
    """Return what went wrong in `kills` kills; each lake is killed `kills_per_lake` times, command after command."""
    log, reference = folder / "log.txt", folder / "reference"
    lines = {name: run_to_end(command, log) for name, command in commands(crawl, reference, small).items()}
    told = ", ".join(f"{name} {count}" for name, count in lines.items())
    print(f"lines of progress: {told}; {sum(rows_of(reference, 'qa_pairs').values())} answers", flush=True)
    found, draws = list[str](), random.Random(seed)
    # In `run`, most is under way at once; every other command is killed in turn.
    turns = ("run", "examples", "run", "backfill", "retry")
    plan = [turns[number % len(turns)] for number in range(kills)]
    for first in range(0, kills, kills_per_lake):
        lake = folder / f"killed-{first}"
        planned = plan[first : first + kills_per_lake]
        for name, command in commands(crawl, lake, small).items():
            times = planned.count(name)
            for _ in range(times):
                # A command that was killed before has less left to do.
                line = draws.randrange(max(1, lines[name] // times))
                target, after_s = (
                    draws.choice(SMALL_TARGETS if small else TARGETS),
                    draws.uniform(0.0, 0.5 if small else 2.0),
                )
                ended = killed_after(command, target, line, after_s, log)
                what = f"{target} killed" if ended.killed else "had finished"
                print(f"{name}: {what} {after_s:.1f} s after line {line}, exit code {ended.code}", flush=True)
                found += ended.faults
            run_to_end(command, log)
        different = differences(reference, lake)
        print(f"  completed: {'equal' if not different else '; '.join(different)}", flush=True)
        found += different
    return found


def checked(check: Callable[[Path, Path], list[str]], rooms: int, seed: int) -> None:
    """Check a damaged crawl in a folder that is removed at the end, print the faults, and exit with 1 if there are any.

    `check` takes the crawl and the folder, and returns the faults.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_damaged_crawl(folder / "crawl", rooms, seed)
        found = check(folder / "crawl", folder)
    print("\n".join([*found, f"{len(found)} faults"]))
    sys.exit(1 if found else 0)


def main() -> None:
    """Run the check and exit with 1 if a table differs or a command did not end in one sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--kills-per-lake", type=int, default=5)
    parser.add_argument("--rooms", type=int, default=12)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--small", action="store_true", help="kill runs that do without Spark")
    options = parser.parse_args()
    planned = {"kills": options.kills, "kills_per_lake": options.kills_per_lake, "seed": options.seed}
    kills = partial(check, **planned, small=options.small)
    checked(kills, options.rooms, options.seed)


if __name__ == "__main__":
    main()
