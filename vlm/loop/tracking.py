"""The run in MLflow: one run however often it is killed, and every step once."""

import importlib.util
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from vlm.evaluation.scores.interval import Score
from vlm.loop.plots import Sample, loss_figure, sample_figure
from vlm.loop.settings import TrackingSettings

_LOSS = "loss"
# What MLflow takes at once, and how long a setting may be.
_METRICS, _PARAMS, _PARAM_LENGTH, _DIGEST_LENGTH = 1000, 100, 6000, 36


class Run:
    """The open MLflow run of this process; metrics are buffered and written together.

    `known` is the id of the run to resume; a new run starts where it is None or deleted.
    """

    def __init__(self, uri: str, settings: TrackingSettings, known: str | None) -> None:
        # By default MLflow logs the lock file of the project in the working directory.
        os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
        os.environ.setdefault("MLFLOW_LOG_UV_FILES", "false")
        self._settings = settings
        self._client = MlflowClient(uri)
        mlflow.set_tracking_uri(uri)
        experiment = _experiment(self._client, uri, settings.experiment)
        known = known if known is not None and self._exists(known) else None
        measured = settings.system_metrics and importlib.util.find_spec("psutil") is not None
        run = mlflow.start_run(
            run_id=known,
            experiment_id=None if known else experiment,
            run_name=None if known else settings.run_name,
            log_system_metrics=measured,
        )
        self.run_id = run.info.run_id
        self._held: list[Metric] = []
        self._logged = max((one.step for one in self._history(_LOSS)), default=0)

    def describe(self, settings: Mapping[str, Any], data: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """Record settings, data and code of a run that begins."""
        params = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in settings.items()]
        for start in range(0, len(params), _PARAMS):
            self._client.log_batch(self.run_id, params=params[start : start + _PARAMS])
        for name, value in {**_tags(data), **code}.items():
            self._client.set_tag(self.run_id, name, value)
        if data:
            # MLflow takes version 0 for the latest; the tag delta_version is right.
            source = DeltaDatasetSource(path=data["table"], delta_table_version=data["version"])
            dataset = MetaDataset(source, name="training_examples", digest=data["digest"][:_DIGEST_LENGTH])
            mlflow.log_input(dataset, context="training", tags=_tags(data))

    def wants(self, step: int) -> bool:
        """Return whether the step was not written before the run was killed."""
        return step > self._logged

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """Hold all numbers of a step, unless they were written before."""
        if self.wants(step):
            now_ms = int(time.time() * 1000)
            self._held += [Metric(name, value, now_ms, step) for name, value in numbers.items()]
            if len(self._held) + len(numbers) > _METRICS:
                self.flush()

    def flush(self) -> None:
        """Write what is held, all of it or nothing."""
        if self._held:
            self._client.log_batch(self.run_id, metrics=self._held)
            self._logged = self._held[-1].step
            self._held = []

    def record_file(self, path: Path) -> None:
        """Log a file as an artifact."""
        self._client.log_artifact(self.run_id, str(path))

    def record_samples(self, step: int, samples: list[Sample]) -> None:
        """Record what the model answers at a step, as an image and as JSON."""
        if samples:
            rows = [{"question": one.question, "learned": one.learned, "given": one.given} for one in samples]
            self._client.log_text(self.run_id, json.dumps(rows, indent=1), f"samples/step-{step:09d}.json")
            self._client.log_figure(self.run_id, sample_figure(samples), f"samples/step-{step:09d}.png")

    def record_losses(self) -> None:
        """Record the curves of all losses so far as an image."""
        names = [name for name in self._client.get_run(self.run_id).data.metrics if name.split("/")[0] == _LOSS]
        found = {name: sorted((one.step, one.value) for one in self._history(name)) for name in names}
        if found:
            self._client.log_figure(self.run_id, loss_figure(found), "loss.png")

    def register(self, folder: Path, data: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """Register the model of a folder with what it was made of, unless it was before."""
        name = self._settings.registered_model
        if name is None or self._registered(name):
            return
        made = mlflow.pyfunc.log_model(
            name="model",
            loader_module="vlm.loop.registered",
            data_path=str(folder),
            registered_model_name=name,
            pip_requirements=["spatiallake[training]"],
        )
        version = made.registered_model_version
        for key, value in {**_tags(data), **code}.items():
            self._client.set_model_version_tag(name, str(version), key, value)

    def close(self) -> None:
        """Write what is held and end the run."""
        self.flush()
        mlflow.end_run()

    def _registered(self, name: str) -> bool:
        return bool(self._client.search_model_versions(f"name = '{name}' and run_id = '{self.run_id}'"))

    def _history(self, name: str) -> list[Metric]:
        return list(self._client.get_metric_history(self.run_id, name))

    def _exists(self, run: str) -> bool:
        try:
            return self._client.get_run(run).info.lifecycle_stage == "active"
        except MlflowException:
            return False


def log_scores(uri: str, run_id: str, scores: Iterable[Score], step: int | None = None) -> None:
    """Record scores in a run, named as `score_metrics` does."""
    now_ms = int(time.time() * 1000)
    metrics = [Metric(name, value, now_ms, step or 0) for name, value in score_metrics(scores).items()]
    MlflowClient(uri).log_batch(run_id, metrics=metrics)


def score_metrics(scores: Iterable[Score]) -> dict[str, float]:
    """Return scores as metrics: `score/NAME`, and with `_low` and `_high` behind where there is an interval."""
    found: dict[str, float] = {}
    for score in scores:
        values = {"": score.value, "_low": score.low, "_high": score.high}
        found |= {f"score/{score.name}{end}": value for end, value in values.items() if value is not None}
    return found


def _experiment(client: MlflowClient, uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    # MLflow's pages then list runs of training, not of evaluation.
    tags = {"mlflow.experimentKind": "custom_model_development"}
    # By default MLflow would put images and models into ./mlruns, wherever the command was given.
    local = uri.startswith("sqlite:///")
    at = (Path(uri.removeprefix("sqlite:///")).absolute().parent / "mlflow" / name).as_uri() if local else None
    try:
        return client.create_experiment(name, at, tags)
    except MlflowException:
        # A run that began at the same time may have made it.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id


def _tags(data: Mapping[str, Any]) -> dict[str, str]:
    names = {"version": "delta_version", "table": "delta_table", "table_id": "delta_table_id"}
    return {names.get(name, f"data_{name}"): str(value) for name, value in data.items()}
