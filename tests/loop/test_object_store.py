"""A run whose folder and artifacts are on an object store: it goes on where another machine was killed."""

import shutil
import signal
from pathlib import Path

import boto3
import pytest
import torch
from pydantic import ValidationError

from tests.loop.tiny import finish, history, settings_of, start_world, weights_of
from tests.object_store import BUCKET
from udfs.storage.leases import leased
from vlm.loop.checkpoint import RunFolder
from vlm.loop.settings import TrainSettings


def on_store(place: Path, prefix: str, name: str) -> TrainSettings:
    tracking = {
        "uri": f"sqlite:///{place / 'mlflow.db'}",
        "artifacts": f"{prefix}/artifacts",
        "experiment": name,
        "registered_model": None,
        "system_metrics": False,
    }
    return settings_of(place, f"{prefix}/{name}", tracking=tracking)


def keys(prefix: str) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"] for one in listed.get("Contents", ())]


def test_a_run_on_a_store_goes_on_on_another_machine(s3: str, place: Path, whole_run: TrainSettings) -> None:
    settings = on_store(place, s3, "killed")
    process = start_world(settings, death=("vlm.loop.stepping:Stepper.advance", 9))[0]
    process.join(900)
    assert process.exitcode == -signal.SIGKILL
    assert {key.split("/")[2] for key in keys("killed/checkpoints")} == {"step-000000005"}
    # Another machine has no copy, and the lease of the killed one is forgotten in time.
    boto3.client("s3").delete_object(Bucket=BUCKET, Key="killed/.lock")
    shutil.rmtree(RunFolder(settings.out).folder)
    finish(start_world(settings))
    for name, weight in weights_of(settings, 12).items():
        assert torch.equal(weight, weights_of(whole_run, 12)[name]), name
    assert history(settings, "loss") == history(whole_run, "loss")
    assert any(key.endswith(".safetensors") for key in keys("killed/model/"))
    kept = {key.split("/")[2] for key in keys("killed/checkpoints") if not key.endswith("/")}
    assert kept == {"step-000000010", "step-000000012"}
    assert keys("artifacts/killed/")
    assert not keys("killed/.lock")


def test_two_machines_do_not_train_into_one_prefix(s3: str, place: Path) -> None:
    settings = on_store(place, s3, "twice")
    with leased(f"{settings.out}/.lock", wait=False):
        process = start_world(settings)[0]
        process.join(300)
    assert process.exitcode == 1
    assert not keys("twice/checkpoints")


def test_a_store_alone_needs_a_server_for_mlflow(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="MLFLOW_TRACKING_URI"):
        settings_of(place, "s3://bucket/run", tracking={})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert settings_of(place, "s3://bucket/run", tracking={}).tracking_uri == "http://127.0.0.1:5000"
    assert settings_of(place, "here", tracking={"uri": "sqlite:///x.db"}).tracking_uri == "sqlite:///x.db"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    assert settings_of(place, "here", tracking={}).tracking_uri == "databricks"
