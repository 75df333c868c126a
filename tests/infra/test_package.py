"""The package in an empty environment: `spark-submit` with two executors runs the engine from the archive alone."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pyspark
import pytest

from benchmarks.same_rows import COMPARED, differences, rows_of
from infra import package as packaging
from jobs.engine.environment import resolve_jars
from scenes.crawl import write_crawl
from tests.command import invoke

DELTA = (
    "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
)
SMALL = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if packaging.uv_program() is None:
        pytest.skip("uv is not installed, so no package was built; `make setup` puts it into .tools.")
    out = tmp_path_factory.mktemp("package")
    built = packaging.package(out)
    assert [file.name for file in built[1:3]] == ["environment.tar.gz", "spatiallake_main.py"]
    return out


def spark_home(folder: Path) -> Path:
    """Return a home of the installed Spark that is this test's own: a local cluster works in its folder `work`."""
    home = folder / "spark"
    home.mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        if entry.name != "work":
            (home / entry.name).symlink_to(entry)
    return home


def submit(package: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run spark-submit with the installed Spark, in a folder and an environment that hold nothing of this one."""
    home = spark_home(folder)
    # The driver of a client runs before Spark unpacks archives, so it is given an unpacked one.
    with tarfile.open(package / "environment.tar.gz") as archive:
        archive.extractall(folder / "driver", filter="fully_trusted")
    conf = (
        *DELTA,
        "spark.sql.shuffle.partitions=400",
        "spark.sql.adaptive.enabled=true",
        "spark.executor.memory=1g",
        f"spark.executor.extraJavaOptions={SMALL}",
        "spark.ui.enabled=false",
        "spark.eventLog.enabled=true",
        "spark.eventLog.compress=false",
        f"spark.eventLog.dir={(folder / 'events').as_uri()}",
    )
    (folder / "events").mkdir()
    command = [str(home / "bin/spark-submit"), "--master", "local-cluster[2,1,2048]", "--driver-memory", "2g"]
    command += ["--driver-java-options", SMALL, "--jars", ",".join(resolve_jars())]
    command += ["--archives", f"{package}/environment.tar.gz#environment"]
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
    command += [str(package / "spatiallake_main.py"), *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def executors_with_tasks(folder: Path) -> set[str]:
    """Return the ids of the executors that ended tasks well, by Spark's own log of events."""
    found = set()
    for file in folder.rglob("events_*"):
        for line in file.read_text().splitlines():
            event = json.loads(line)
            if event["Event"] == "SparkListenerTaskEnd" and event["Task End Reason"]["Reason"] == "Success":
                found.add(event["Task Info"]["Executor ID"])
    return found


@pytest.mark.long
@pytest.mark.usefixtures("spark")
def test_spark_submit_with_two_executors_equals_a_local_run_row_for_row(package: Path, tmp_path: Path) -> None:
    write_crawl(str(tmp_path / "crawl"), count=6, seed=4, width=160, height=120)
    (tmp_path / "empty").mkdir()
    crawl, there = str(tmp_path / "crawl"), str(tmp_path / "there")
    done = submit(package, tmp_path / "empty", "run", "--crawl", crawl, "--lake", there, "--experts", "sensor")
    assert done.returncode == 0, done.stderr[-3000:]
    # spark-submit joins the standard error of a Python program to its standard output.
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    finished = {event["stage"]: event for event in lines if event["event"] == "stage_finished"}
    assert finished["ingest"]["rows_in"] == 6 and finished["synthesize"]["rows_out"] > 100
    assert executors_with_tasks(tmp_path / "empty/events") == {"0", "1"}
    invoke("run", "--crawl", crawl, "--lake", tmp_path / "here", "--experts", "sensor")
    assert sum(rows_of(tmp_path / "here", "qa_pairs").values()) > 100
    assert "qa_pairs" in COMPARED and differences(tmp_path / "here", tmp_path / "there") == []


@pytest.mark.long
def test_the_package_says_why_it_cannot_be_built(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.package", "--out", str(tmp_path / "out"), "--extra", "no-such-extra"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=packaging.ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("spatiallake: `") and "no-such-extra" in done.stderr
    assert len(done.stderr.splitlines()) == 1
