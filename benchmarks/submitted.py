"""Runs the engine from its package with `spark-submit` on two executors, and compares it with a local run.

`python -m benchmarks.submitted --images 40 --experts sensor builtin --kills 2` builds the package, submits
`spatiallake run` with 400 shuffle partitions and adaptive planning to a cluster of two executors, kills executors on
the way, and compares every table with that of a local run, row for row. It exits with 1 if any differs.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyspark

from benchmarks.processor import heading
from benchmarks.same_rows import differences, rows_of
from infra.package import package
from jobs.engine.environment import resolve_jars
from scenes.crawl import write_crawl

CONF = (
    "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.shuffle.partitions=400",
    "spark.sql.adaptive.enabled=true",
    "spark.executor.memory=1g",
    "spark.ui.enabled=false",
    "spark.eventLog.enabled=true",
    "spark.eventLog.compress=false",
    # An archive with PyTorch has gigabytes, of which the cache would be one more copy per executor.
    "spark.files.useFetchCache=false",
)
_SMALL = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_EXECUTOR = b"CoarseGrainedExecutorBackend"


@dataclass(frozen=True)
class Submitted:
    """How a submitted command ended: its exit code, what it and Spark said, and how many executors were killed."""

    code: int
    told: str
    logged: str
    killed: int

    @property
    def finished(self) -> dict[str, dict]:
        """Return the event `stage_finished` of each stage, as the command told it."""
        events = [json.loads(line) for line in self.told.splitlines() if line.startswith("{")]
        return {event["stage"]: event for event in events if event["event"] == "stage_finished"}


def submit(packaged: Path, folder: Path, *arguments: str, kills: int = 0, seed: int = 0) -> Submitted:
    """Run a command of the package with spark-submit, in a folder and an environment that hold nothing of this one.

    `packaged` is the folder of the package. `kills` executors are killed at random moments of the run.
    """
    home = _spark_home(folder)
    # The driver of a client runs before Spark unpacks archives, so it is given an unpacked one.
    with tarfile.open(packaged / "environment.tar.gz") as archive:
        archive.extractall(folder / "driver", filter=_needed_by_driver)
    (folder / "events").mkdir()
    conf = (*CONF, f"spark.executor.extraJavaOptions={_SMALL}", f"spark.eventLog.dir={(folder / 'events').as_uri()}")
    command = [str(home / "bin/spark-submit"), "--master", "local-cluster[2,1,2048]", "--driver-memory", "2g"]
    command += ["--driver-java-options", _SMALL, "--jars", ",".join(resolve_jars())]
    command += ["--archives", f"{packaged}/environment.tar.gz#environment"]
    command += [word for one in conf for word in ("--conf", one)]
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_DRIVER_PYTHON": str(folder / "driver/bin/python"),
        "PYSPARK_PYTHON": "./environment/bin/python",
        **{name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ},
    }
    command += [str(packaged / "spatiallake_main.py"), *arguments]
    # spark-submit joins the standard error of a Python program to its standard output; Spark's log is apart.
    told, logged = folder / "told", folder / "logged"
    with told.open("w") as out, logged.open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=out, stderr=log, start_new_session=True)
        killed = _kill_executors(process, told, kills, random.Random(seed))
        process.wait()
    return Submitted(process.returncode, told.read_text(), logged.read_text(), killed)


def executors_with_tasks(folder: Path) -> set[str]:
    """Return the ids of the executors that ended tasks well, by Spark's own log of events below a folder."""
    ended = (event for event in _events(folder) if event["Event"] == "SparkListenerTaskEnd")
    return {one["Task Info"]["Executor ID"] for one in ended if one["Task End Reason"]["Reason"] == "Success"}


def options_at_work(folder: Path) -> list[dict[str, str]]:
    """Return the options of Spark under which each query ran, by the same log: those submitted and what was changed."""
    given, found = dict[str, str](), list[dict[str, str]]()
    for event in _events(folder):
        if event["Event"] == "SparkListenerEnvironmentUpdate":
            given = dict(event["Spark Properties"])
        elif event["Event"].endswith("SparkListenerSQLExecutionStart"):
            found.append({**given, **event["modifiedConfigs"]})
    return found


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.rglob("events_*")):
        yield from map(json.loads, file.read_text().splitlines())


def _needed_by_driver(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Leave out PyTorch, which has gigabytes: executors load the models."""
    return None if {"torch", "nvidia"} & set(Path(member.name).parts) else tarfile.fully_trusted_filter(member, folder)


def _spark_home(folder: Path) -> Path:
    """Return a home of the installed Spark of one's own: a local cluster works in its folder `work`."""
    home = folder / "spark"
    home.mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        if entry.name != "work":
            (home / entry.name).symlink_to(entry)
    return home


def _kill_executors(process: "subprocess.Popen[bytes]", told: Path, kills: int, draws: random.Random) -> int:
    killed = 0
    while killed < kills and process.poll() is None:
        # From the first micro-batch on, so that there is something to lose.
        if told.read_text().count('"stage_started"') > killed:
            time.sleep(draws.uniform(0, 20))
            executors = list(_executors(process.pid))
            if executors:
                os.kill(draws.choice(executors), signal.SIGKILL)
                killed += 1
        time.sleep(0.2)
    return killed


def _executors(session: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                is_executor = _EXECUTOR in (entry / "cmdline").read_bytes()
                if is_executor and os.getsid(int(entry.name)) == session:
                    yield int(entry.name)
            except OSError:
                continue


def check(packaged: Path, folder: Path, images: int, experts: str, kills: int) -> list[str]:
    """Run one profile both ways and return what is wrong."""
    crawl, there, here = (folder / name for name in ("crawl", "there", "here"))
    write_crawl(str(crawl), count=images, seed=4)
    (folder / "empty").mkdir()
    arguments = ("run", "--crawl", str(crawl), "--experts", experts)
    started = time.monotonic()
    done = submit(packaged, folder / "empty", *arguments, "--lake", str(there), kills=kills)
    seconds = time.monotonic() - started
    if done.code:
        return [f"{experts}: exit code {done.code}: {done.told[-1000:]} {done.logged[-2000:]}"]
    local = [sys.executable, "-m", "spatiallake", *arguments, "--lake", str(here)]
    subprocess.run(local, check=True, capture_output=True)
    executors = len(executors_with_tasks(folder / "empty/events"))
    answers = sum(rows_of(there, "qa_pairs").values())
    found = [f"{experts}: {line}" for line in differences(here, there)]
    found += [] if executors >= 2 else [f"{experts}: only {executors} executors worked"]
    ended = "; ".join(found) or "every table equal"
    print(
        f"{experts}: {images} images, {answers:,} answers, {executors} executors worked, {done.killed} of them killed,"
        f" {seconds:.0f} s: {ended}",
        flush=True,
    )
    return found


def main() -> None:
    """Run the profiles one after the other and exit with 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--experts", nargs="+", default=["sensor"])
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--package", type=Path, help="folder with a package built before; default: build one")
    options = parser.parse_args()
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        packaged = options.package or Path(name) / "package"
        if options.package is None:
            package(packaged, ["experts"] if "builtin" in options.experts else [], for_cpus=True)
        found = list[str]()
        for experts in options.experts:
            (Path(name) / experts).mkdir()
            found += check(packaged, Path(name) / experts, options.images, experts, options.kills)
    print("\n".join([*found, f"{len(found)} faults"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
