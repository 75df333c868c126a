"""Small runs, without Spark: the rows of a run in Spark, exactly once, however a command ends."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from benchmarks.kills import commands, killed_after, write_damaged_crawl
from benchmarks.same_rows import differences
from jobs.engine.lake import Lake
from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import backfill_stages, retry_stages, run
from jobs.engine.settings import load_settings
from jobs.engine.small.pool import pool, usable_cores
from scenes.crawl import write_crawl
from tests.jobs.engine import NO_JAVA, events, spatiallake, table

SEED = int(os.environ.get("SPATIALLAKE_TEST_KILL_SEED", "23"))


def in_spark(spark: SparkSession, crawl: Path, lake: Path, *stages: str) -> None:
    settings = load_settings({"lake": str(lake), "crawl": str(crawl), "experts": "sensor"}, None, [])
    run(settings, stages or None, lake=Lake(spark, str(lake), str(lake / "_checkpoints")))


def add_rooms(crawl: Path, rooms: int, seed: int) -> None:
    """Add rendered rooms to a crawl, in a folder of their own."""
    folder = crawl / f"more-{seed}"
    write_crawl(str(folder), count=rooms, seed=seed, width=160, height=120)
    listed = (folder / "manifest.jsonl").read_text().splitlines()
    (folder / "manifest.jsonl").unlink()
    with (crawl / "manifest.jsonl").open("a") as manifest:
        for line in listed:
            row = json.loads(line)
            moved = {name: f"{folder.name}/{row[name]}" for name in ("image", "depth", "instances")}
            manifest.write(json.dumps({**row, **moved}) + "\n")


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "crawl"
    write_damaged_crawl(folder, rooms=30, seed=5)
    return folder


@pytest.fixture(scope="module")
def whole(spark: SparkSession, crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crawl's lake as Spark makes it, with a backfill and a retry."""
    lake = tmp_path_factory.mktemp("whole") / "lake"
    in_spark(spark, crawl, lake)
    in_spark(spark, crawl, lake, "examples")
    held = Lake(spark, str(lake), str(lake / "_checkpoints"))
    changed = load_settings({"lake": str(lake)}, None, ["disambiguate.seed=7"], remembered_settings(str(lake)))
    backfill_stages(changed, lake=held)
    retry_stages(load_settings({"lake": str(lake)}, None, [], remembered_settings(str(lake))), lake=held)
    return lake


def test_rows_are_those_of_a_run_in_spark_and_need_no_java(crawl: Path, whole: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    first = spatiallake("run", "--lake", str(lake), "--crawl", str(crawl), "--experts", "sensor", environment=NO_JAVA)
    spatiallake("examples", "--lake", str(lake), environment=NO_JAVA)
    spatiallake("backfill", "--lake", str(lake), "--set", "disambiguate.seed=7", environment=NO_JAVA)
    spatiallake("retry", "--lake", str(lake), environment=NO_JAVA)
    assert differences(whole, lake) == []
    assert any(row["attempt"] == 2 for row in table(lake, "quarantine").to_pylist())
    assert {one["stage"] for one in events(first) if one["event"] == "stage_finished"} >= {"ingest", "statistics"}
    assert not (lake / "_checkpoints").exists()
    again = spatiallake("run", "--lake", str(lake), "--crawl", str(crawl), environment=NO_JAVA)
    assert [one["rows_in"] for one in events(again) if one["event"] == "stage_finished"] == [0] * 9
    assert differences(whole, lake) == []


@pytest.mark.long
def test_a_lake_that_grows_is_the_same_with_and_without_spark(spark: SparkSession, tmp_path: Path) -> None:
    crawl, grown, small, mixed = (tmp_path / name for name in ("crawl", "grown", "small", "mixed"))
    write_damaged_crawl(crawl, rooms=5, seed=7)
    in_spark(spark, crawl, grown)
    for lake in (small, mixed):
        spatiallake("run", "--lake", str(lake), "--crawl", str(crawl), "--experts", "sensor", environment=NO_JAVA)
    add_rooms(crawl, rooms=4, seed=8)
    for lake in (grown, mixed):
        in_spark(spark, crawl, lake)
    spatiallake("run", "--lake", str(small), "--crawl", str(crawl), environment=NO_JAVA)
    assert differences(grown, small) == []
    assert differences(grown, mixed) == []
    assert len(table(mixed, "images")) == 8


def test_more_images_than_the_limit_need_spark(crawl: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spatiallake", "run", "--lake", str(tmp_path / "lake"), "--crawl", str(crawl)]
    limited = [*command, "--set", "max_images_without_spark=10"]
    done = subprocess.run(limited, env={**os.environ, **NO_JAVA}, capture_output=True, text=True, check=False)
    assert done.returncode and "Java" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "lake" / "images").exists()


def test_killed_commands_and_workers_lose_and_double_nothing(crawl: Path, whole: Path, tmp_path: Path) -> None:
    lake, log, draws = tmp_path / "lake", tmp_path / "log.txt", random.Random(SEED)
    faults, hit = list[str](), 0
    for name, command in commands(crawl, lake, small=True).items():
        for _ in range(3 if name == "run" else 1):
            target = draws.choice(("tree", "process"))
            ended = killed_after(command, target, draws.randrange(1, 12), draws.uniform(0.0, 0.5), log)
            faults, hit = faults + ended.faults, hit + (ended.killed is not None)
        spatiallake(*command[3:])
    again = f"again with SPATIALLAKE_TEST_KILL_SEED={SEED}"
    assert faults == [] and hit >= 2, again
    assert differences(whole, lake) == [], again


def test_processes_end_with_the_command(tmp_path: Path) -> None:
    script = (
        "import pyarrow as pa, time\n"
        "from jobs.engine.small.pool import pool\n"
        "from tests.jobs.test_small_runs import slow\n"
        "batches = [pa.RecordBatch.from_pylist([{'a': 1}])] * 50\n"
        "with pool() as processes:\n"
        "    for _ in processes.mapped(batches, slow, batches[0].schema, 50):\n"
        "        print('made', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "made\n"
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) > usable_cores()
    process.kill()
    _, alive = psutil.wait_procs(below, timeout=30)
    process.wait()
    assert alive == []


@pytest.mark.parametrize("rounds", [4, pytest.param(15, marks=pytest.mark.long)])
def test_a_pool_whose_processes_were_killed_ends(rounds: int) -> None:
    script = (
        "import os, psutil, pyarrow as pa\n"
        "from concurrent.futures.process import BrokenProcessPool\n"
        "from jobs.engine.small.pool import pool\n"
        "from tests.jobs.test_small_runs import slow\n"
        "batches = [pa.RecordBatch.from_pylist([{'a': 1}])] * 50\n"
        f"for _ in range({rounds}):\n"
        "    try:\n"
        "        with pool() as processes:\n"
        "            for number, _ in enumerate(processes.mapped(batches, slow, batches[0].schema, 50)):\n"
        "                below = psutil.Process().children(recursive=True)\n"
        "                workers = [one for one in below if one.ppid() != os.getpid()]\n"
        "                for worker in workers[number % 2:]:\n"
        "                    worker.kill()\n"
        "    except (BrokenProcessPool, psutil.NoSuchProcess):\n"
        "        print('broken', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.count("broken") == rounds and done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr, done.stderr[-2000:]


def slow(batches, schema):
    time.sleep(0.1)
    yield from batches


def doubled(batches, schema):
    for batch in batches:
        yield pa.RecordBatch.from_pylist([{"a": 2 * row["a"]} for row in batch.to_pylist()], schema=schema)


@pytest.mark.parametrize("rows", [3, 1_000])
def test_results_come_in_the_order_of_the_batches(rows: int) -> None:
    batches = [pa.RecordBatch.from_pylist([{"a": number}]) for number in range(rows)]
    with pool() as processes:
        made = [one for some in processes.mapped(batches, doubled, batches[0].schema, rows) for one in some]
    assert pa.Table.from_batches(made)["a"].to_pylist() == [2 * number for number in range(rows)]
