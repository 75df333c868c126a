"""Two first runs at the same moment, and a disk that fills up: no row may be lost or doubled, one sentence may be said.

`python -m benchmarks.accidents --rooms 12 --seed 11` compares every table with an undisturbed lake afterwards. The full
disk is a file system in memory, which only root may mount; without that right it is left out, and said so.
"""

import argparse
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks.kills import checked, commands, run_to_end
from benchmarks.same_rows import differences
from jobs.engine.errors import LakeBusy, LakeUnwritable
from jobs.engine.lake_folder import MIN_FREE_BYTES

# Somebody else fills the disk once this table has rows.
_FILLED_AFTER = ("images", "regions", "scenes")
_MAX_SECONDS = 300.0
_BLOCK_BYTES = 4096


def told_of(process: "subprocess.Popen[bytes]") -> list[str]:
    """Wait for a command and return the sentences on its stderr, and the lines of any traceback."""
    _, stderr = process.communicate()
    lines = stderr.decode(errors="replace").splitlines()
    return [line for line in lines if line.startswith("spatiallake: ") or "Traceback" in line or "Exception" in line]


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a command."""
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def at_once(crawl: Path, lake: Path, log: Path, small: bool) -> list[str]:
    """Return what is wrong after two first runs that start at the same moment, and one more."""
    command = commands(crawl, lake, small)["run"]
    both = [start(command), start(command)]
    said = [told_of(one) for one in both]
    print(f"two first runs: exit codes {[one.returncode for one in both]}; {said}", flush=True)
    faults = [
        f"exit code {one.returncode}: {lines}"
        for one, lines in zip(both, said, strict=True)
        if (one.returncode, len(lines)) not in ((0, 0), (LakeBusy.exit_code, 1))
    ]
    run_to_end(command, log)
    return faults


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[bool]:
    """Mount a file system of this size at a folder; yield whether that worked."""
    folder.mkdir()
    options = f"size={size_bytes}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)


def filled(disk: Path, table: Path, process: "subprocess.Popen[bytes]") -> Path:
    """Take all room of a disk as soon as a table has its first commit, and return the file that takes it."""
    ends = time.monotonic() + _MAX_SECONDS
    while not list(table.glob("_delta_log/*1.json")) and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.02)
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(_BLOCK_BYTES))
    return ballast


def full_disk(crawl: Path, disk: Path, table: str, log: Path, small: bool) -> list[str]:
    """Return what is wrong after a run whose disk fills up, and one more on the same disk with room again."""
    command = commands(crawl, disk / "lake", small)["run"]
    process = start(command)
    ballast = filled(disk, disk / "lake" / table, process)
    lines = told_of(process)
    print(f"disk filled after {table}: exit code {process.returncode}; {lines}", flush=True)
    right = process.returncode == LakeUnwritable.exit_code and len(lines) == 1
    ballast.unlink()
    run_to_end(command, log)
    return [] if right else [f"disk filled after {table}: exit code {process.returncode}: {lines}"]


def bytes_in(folder: Path) -> int:
    """Return the bytes of all files in a folder, in whole blocks."""
    return sum(-(-path.stat().st_size // _BLOCK_BYTES) * _BLOCK_BYTES for path in folder.rglob("*") if path.is_file())


def check(crawl: Path, folder: Path, small: bool = False) -> list[str]:
    """Return everything that went wrong."""
    log, whole = folder / "log.txt", folder / "whole"
    run_to_end(commands(crawl, whole, small)["run"], log)
    needed = bytes_in(whole)
    found = at_once(crawl, folder / "two", log, small) + differences(whole, folder / "two")
    for table in _FILLED_AFTER:
        disk = folder / f"disk-{table}"
        with small_disk(disk, 3 * needed + MIN_FREE_BYTES) as mounted:
            if not mounted:
                print("The full disk was left out: this user may not mount a file system.", flush=True)
                break
            found += full_disk(crawl, disk, table, log, small)
            found += differences(whole, disk / "lake")
    return found


def main() -> None:
    """Run the check and exit with 1 if a table differs or a command did not end in one sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=12)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--small", action="store_true", help="without Spark")
    options = parser.parse_args()
    checked(partial(check, small=options.small), options.rooms, options.seed)


if __name__ == "__main__":
    main()
