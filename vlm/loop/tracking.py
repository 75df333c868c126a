"""The MLflow run: one run however often it is killed, with every step logged once."""

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
# MLflow's limits per request, and the maximum length of a parameter and of a digest.
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
        self._buffer: list[Metric] = []
        self._logged = max((one.step for one in self._history(_LOSS)), default=0)

    def describe(self, settings: Mapping[str, Any], data: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """Log settings, data and code of a new run."""
        params = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in settings.items()]
        for start in range(0, len(params), _PARAMS):
            self._client.log_batch(self.run_id, params=params[start : start + _PARAMS])
        for name, value in {**_tags(data), **code}.items():
            self._client.set_tag(self.run_id, name, value)
        if data:
            # MLflow treats version 0 as the latest; the tag delta_version is correct.
            source = DeltaDatasetSource(path=data["table"], delta_table_version=data["version"])
            dataset = MetaDataset(source, name="training_examples", digest=data["digest"][:_DIGEST_LENGTH])
            mlflow.log_input(dataset, context="training", tags=_tags(data))

    def wants(self, step: int) -> bool:
        """Return whether a step has not been logged yet."""
        return step > self._logged

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """Buffer the metrics of a step, unless it has been logged."""
        if self.wants(step):
            now_ms = int(time.time() * 1000)
            self._buffer += [Metric(name, value, now_ms, step) for name, value in numbers.items()]
            if len(self._buffer) + len(numbers) > _METRICS:
                self.flush()

    def flush(self) -> None:
        """Write the buffered metrics in one request."""
        if self._buffer:
            self._client.log_batch(self.run_id, metrics=self._buffer)
            self._logged = self._buffer[-1].step
            self._buffer = []

    def record_file(self, path: Path) -> None:
        """Log a file as an artifact."""
        self._client.log_artifact(self.run_id, str(path))

    def record_samples(self, step: int, samples: list[Sample]) -> None:
        """Log sample predictions of a step as a figure and as JSON."""
        if samples:
            rows = [{"question": one.question, "target": one.target, "prediction": one.prediction} for one in samples]
            self._client.log_text(self.run_id, json.dumps(rows, indent=1), f"samples/step-{step:09d}.json")
            self._client.log_figure(self.run_id, sample_figure(samples), f"samples/step-{step:09d}.png")

    def record_losses(self) -> None:
        """Log a figure of all loss curves so far."""
        names = [name for name in self._client.get_run(self.run_id).data.metrics if name.split("/")[0] == _LOSS]
        found = {name: sorted((one.step, one.value) for one in self._history(name)) for name in names}
        if found:
            self._client.log_figure(self.run_id, loss_figure(found), "loss.png")

    def register(self, folder: Path, data: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """Register the model of a folder with its data and code, once per run."""
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
        """Write the buffer and end the run."""
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
    """Log scores to a run, under the names of `score_metrics`."""
    now_ms = int(time.time() * 1000)
    metrics = [Metric(name, value, now_ms, step or 0) for name, value in score_metrics(scores).items()]
    MlflowClient(uri).log_batch(run_id, metrics=metrics)


def score_metrics(scores: Iterable[Score]) -> dict[str, float]:
    """Return scores as metrics `score/NAME`, with `_low` and `_high` for intervals."""
    found: dict[str, float] = {}
    for score in scores:
        values = {"": score.value, "_low": score.low, "_high": score.high}
        found |= {f"score/{score.name}{end}": value for end, value in values.items() if value is not None}
    return found


def _experiment(client: MlflowClient, uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    # Makes MLflow's pages list training runs, not evaluations.
    tags = {"mlflow.experimentKind": "custom_model_development"}
    # By default MLflow stores artifacts in ./mlruns of the working directory.
    local = uri.startswith("sqlite:///")
    at = (Path(uri.removeprefix("sqlite:///")).absolute().parent / "mlflow" / name).as_uri() if local else None
    try:
        return client.create_experiment(name, at, tags)
    except MlflowException:
        # Another run may have created it at the same time.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id


def _tags(data: Mapping[str, Any]) -> dict[str, str]:
    names = {"version": "delta_version", "table": "delta_table", "table_id": "delta_table_id"}
    return {names.get(name, f"data_{name}"): str(value) for name, value in data.items()}
