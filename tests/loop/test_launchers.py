"""One run by what users launch processes with: torchrun, accelerate, and Spark's TorchDistributor."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from pyspark.ml.torch.distributor import TorchDistributor
from pyspark.sql import SparkSession

from tests.loop.tiny import farthest, history, settings_of, weights_of
from vlm.loop import __main__ as entry
from vlm.loop.settings import TrainSettings

# By default processes train on CPUs where there is no GPU, and have to find each other there as well.
DEVICE = "cpu" if torch.accelerator.is_available() else "auto"
TORCHRUN = "torch.distributed.run --standalone --nproc-per-node 2 -m spatiallake train --out {out} --settings"
# On CPUs it would start more than one process by MPI alone.
ACCELERATE = (
    "accelerate.commands.launch --cpu --num_processes 1 --num_machines 1 --mixed_precision no --dynamo_backend no "
    "-m vlm.loop"
)


def written(settings: TrainSettings) -> str:
    file = Path(settings.out).with_suffix(".yaml")
    file.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    return str(file)


def assert_the_same(settings: TrainSettings, whole_run: TrainSettings, processes: int) -> None:
    assert farthest(weights_of(settings, 12), weights_of(whole_run, 12)) < 1e-4
    assert history(settings, "processes") == [(step, processes) for step in range(1, 13)]


@pytest.mark.parametrize(
    ("launcher", "processes"),
    [(TORCHRUN, 2), pytest.param(ACCELERATE, 1, marks=pytest.mark.long)],
    ids=["torchrun", "accelerate"],
)
def test_launchers_of_processes(place: Path, whole_run: TrainSettings, launcher: str, processes: int) -> None:
    settings = settings_of(place, f"launched-{processes}", loop__device=DEVICE)
    command = [sys.executable, "-m", *launcher.format(out=settings.out).split(), written(settings)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert_the_same(settings, whole_run, processes)


@pytest.mark.long
def test_the_distributor_of_spark(place: Path, whole_run: TrainSettings, spark: SparkSession) -> None:
    settings = settings_of(place, "distributor")
    TorchDistributor(num_processes=2, local_mode=False, use_gpu=False).run(entry.__file__, written(settings))
    assert_the_same(settings, whole_run, 2)
