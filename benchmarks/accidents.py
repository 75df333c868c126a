"""Two first runs at the same moment, and a disk that fills up: no row may be lost or doubled, one sentence may be said.

`python -m benchmarks.accidents --rooms 12 --seed 11` compares every table with an undisturbed lake afterwards. The full
disk is a file system in memory, which only root may mount; without that right it is left out, and said so.
"""

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.kills import checked, commands, run_to_end
from benchmarks.same_rows import differences
from jobs.engine.errors import LakeBusy, LakeUnwritable

# More than the empty tables, less than the finished ones.
_SHARES = (0.25, 0.5, 0.8)


def told_of(process: "subprocess.Popen[bytes]") -> list[str]:
    """Wait for a command and return the sentences on its stderr, and the lines of any traceback."""
    _, stderr = process.communicate()
    lines = stderr.decode(errors="replace").splitlines()
    return [line for line in lines if line.startswith("spatiallake: ") or "Traceback" in line or "Exception" in line]


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a command."""
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def at_once(crawl: Path, lake: Path, log: Path) -> list[str]:
    """Return what is wrong after two first runs that start at the same moment, and one more."""
    command = commands(crawl, lake)["run"]
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


def full_disk(crawl: Path, disk: Path, share: float, needed_bytes: int, log: Path) -> list[str]:
    """Return what is wrong after a run on a disk that is too small, and one more on the same disk with more room."""
    command = commands(crawl, disk / "lake")["run"]
    process = start(command)
    lines = told_of(process)
    print(f"disk of {share:.0%} of the lake: exit code {process.returncode}; {lines}", flush=True)
    right = process.returncode == LakeUnwritable.exit_code and len(lines) == 1
    subprocess.run(["mount", "-o", f"remount,size={needed_bytes * 4}", disk], check=True)
    run_to_end(command, log)
    return [] if right else [f"full disk at {share:.0%}: exit code {process.returncode}: {lines}"]


def bytes_in(folder: Path) -> int:
    """Return the bytes of all files in a folder, in whole blocks."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def check(crawl: Path, folder: Path) -> list[str]:
    """Return everything that went wrong."""
    log, whole = folder / "log.txt", folder / "whole"
    run_to_end(commands(crawl, whole)["run"], log)
    needed = bytes_in(whole)
    found = at_once(crawl, folder / "two", log) + differences(whole, folder / "two")
    for share in _SHARES:
        disk = folder / f"disk-{share}"
        with small_disk(disk, int(needed * share)) as mounted:
            if not mounted:
                print("The full disk was left out: this user may not mount a file system.", flush=True)
                break
            found += full_disk(crawl, disk, share, needed, log)
            found += differences(whole, disk / "lake")
    return found


def main() -> None:
    """Run the check and exit with 1 if a table differs or a command did not end in one sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=12)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    checked(check, options.rooms, options.seed)


if __name__ == "__main__":
    main()
