"""Two executors with a GPU each, as the discovery script has it: the real command in Spark's `local-cluster` mode."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow as pa
import pyspark
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from schemas.images import IMAGES
from tests.runtime.conftest import FAMILY, images, logged

# Each call names another GPU, as two workers on two machines of one GPU would not, and two on one machine do.
_DISCOVERY = """#!/bin/sh
if mkdir "{taken}" 2>/dev/null; then gpu=0; else gpu=1; fi
echo '{{"name": "gpu", "addresses": ["'$gpu'"]}}'
"""


# Optimising compilation costs a short run more than it gains.
_SHORT_RUN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture
def gpu_settings(tmp_path: Path) -> Path:
    """Settings of a cluster of two executors with one GPU each."""
    script = tmp_path / "find-gpus.sh"
    script.write_text(_DISCOVERY.format(taken=tmp_path / "taken"))
    script.chmod(0o755)
    spark = {
        "spark.worker.resource.gpu.amount": "1",
        "spark.worker.resource.gpu.discoveryScript": str(script),
        "spark.executor.resource.gpu.amount": "1",
        "spark.decommission.enabled": "true",
        "spark.executor.memory": "512m",
        "spark.executor.extraJavaOptions": _SHORT_RUN,
        "spark.sql.files.maxPartitionBytes": "300k",
    }
    path = tmp_path / "settings.yaml"
    path.write_text(json.dumps({"master": "local-cluster[2,1,1024]", "spark": spark}))
    return path


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake whose `images` hold 160 images in eight files."""
    folder = tmp_path / "lake"
    schema = to_arrow_schema(IMAGES.schema)
    for shard in range(8):
        rows = [{**row, "ingest_shard": shard} for row in images(160, {})[shard * 20 : shard * 20 + 20]]
        write_deltalake(str(folder / "images"), pa.Table.from_pylist(rows, schema=schema), mode="append")
    return folder


def profile_of(tmp_path: Path, weights: str, **options) -> Path:
    expert = {"family": FAMILY, "model": weights, "options": {"log": str(tmp_path / "log.txt"), **options}}
    rule = {"family": "sensor"}
    path = tmp_path / "brittle.yaml"
    path.write_text(json.dumps({"filter": expert, "context": rule, "depth": rule}))
    return path


def filtering(lake: Path, profile: Path, settings: Path, tmp_path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "spatiallake", "filter", "--lake", str(lake)]
    command += ["--experts", str(profile), "--settings", str(settings)]
    environment = {"SPATIALLAKE_JAVA_OPTIONS": _SHORT_RUN, **os.environ, "SPARK_WORKER_DIR": str(tmp_path / "work")}
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def image_ids(lake: Path, name: str) -> list[str]:
    return sorted(DeltaTable(str(lake / name)).to_pyarrow_table()["image_id"].to_pylist())


def executors(command: psutil.Process) -> list[psutil.Process]:
    found = []
    for process in command.children(recursive=True):
        with suppress(psutil.Error):
            if "CoarseGrainedExecutorBackend" in " ".join(process.cmdline()):
                found.append(process)
    return found


def log_of(executor: psutil.Process) -> Path:
    return Path(executor.cwd()) / "stderr"


def device_lines(model: str) -> list[dict[str, str]]:
    """Return what workers with this model told of their devices; a local cluster logs beside the installed Spark."""
    logs = (Path(pyspark.__file__).parent / "work").glob("*/*/stderr")
    told = (line for log in logs for line in log.read_text().splitlines() if '"worker_device"' in line)
    return [one for one in map(json.loads, told) if one["model"] == model]


@pytest.mark.long
@pytest.mark.parametrize("taken_back", [False, True], ids=["killed", "decommissioned"])
def test_two_executors_take_the_two_gpus_and_losing_one_at_work_loses_nothing(
    lake, weights, gpu_settings, tmp_path, taken_back
):
    log = tmp_path / "log.txt"
    running = filtering(lake, profile_of(tmp_path, weights, seconds=0.1), gpu_settings, tmp_path)
    at_work: dict[str, int] = {}
    while len(at_work) < 2:
        assert running.poll() is None, running.communicate()[1][-3000:]
        time.sleep(0.1)
        at_work = {device: process for process, _, device, event in logged(log) if "batch" in event}
    assert set(at_work) == {"cuda:0", "cuda:1"} and len(set(at_work.values())) == 2
    victim = executors(psutil.Process(running.pid))[0]
    models = [process for process in victim.children(recursive=True) if process.pid in at_work.values()]
    assert len(models) == 1
    log_of_victim = log_of(victim)
    # Machines of the spot market that are about to be taken back tell their executors by this signal.
    victim.send_signal(signal.SIGPWR if taken_back else signal.SIGKILL)
    _, said = running.communicate(timeout=900)
    assert running.returncode == 0, said[-3000:]
    assert "Loaded models: filter on cuda:" in said
    told = device_lines(weights)
    # One line per worker, in the log of its executor.
    assert {one["device"] for one in told} == {"cuda:0", "cuda:1"}
    assert len({one["process"] for one in told}) == len(told) >= (2 if taken_back else 3)
    assert all(one["stage"] == "filter" and one["host"] for one in told)
    assert image_ids(lake, "image_scores") == image_ids(lake, "images")
    if taken_back:
        assert "Executor self-exiting due to : Finished decommissioning" in log_of_victim.read_text()
    else:
        assert {process for process, *_ in logged(log)} - set(at_work.values())
    assert psutil.wait_procs(models, timeout=120)[1] == []


def test_a_model_that_does_not_load_ends_the_command_before_it_writes(lake, gpu_settings, tmp_path):
    settings = tmp_path / "local.yaml"
    settings.write_text(json.dumps({"master": "local[1]"}))
    broken = tmp_path / "brittle.safetensors"
    broken.write_bytes(b"no weights")
    running = filtering(lake, profile_of(tmp_path, str(broken)), settings, tmp_path)
    _, said = running.communicate(timeout=900)
    assert running.returncode == 7
    assert said.splitlines()[-1].startswith(f"spatiallake: Stage filter: Model {broken} ")
    assert "Traceback" not in said and "Exception" not in said
    assert sorted(path.name for path in lake.iterdir()) == ["_locks", "images"]
