"""The MLflow run: one run however often it is killed, with every step logged once.

MLflow may fail while a model trains: what it could not take is kept, and offered again later.
"""

import importlib.util
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from udfs.storage.clients import endpoint
from vlm.errors import TrackingUnusable
from vlm.evaluation.scores.interval import Score
from vlm.loop.attempts import Attempts, Warn, cause_of, patiently
from vlm.loop.descriptions import data_tags, experiment_of, log_data, log_settings
from vlm.loop.metric_names import metric_name
from vlm.loop.metrics import SCORE, Entry, MetricBuffer, score_metrics
from vlm.loop.plots import Sample, loss_figure, sample_figure
from vlm.loop.settings import TrackingSettings

_LOSS, _LOOKED = "loss", "evaluated_step"
_VARIABLE = "MLFLOW_TRACKING_URI"
_BUFFERED, _MISSING = 1000, "RESOURCE_DOES_NOT_EXIST"
_ENVIRONMENT = {
    # By default MLflow logs the lock file of the project in the working directory.
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_LOG_UV_FILES": "false",
    # By default one request to a server that is down takes minutes, while a GPU waits.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


class Run:
    """The open MLflow run of this process; as a context manager it ends with the status that fits.

    `known` is the id of the run to resume; a new run starts where it is None or deleted. Only opening raises; later
    failures of MLflow are reported by `warn`, and tried again.
    """

    def __init__(self, uri: str, settings: TrackingSettings, known: str | None, warn: Warn = print) -> None:
        """Open the run.

        Raises:
            TrackingUnusable: MLflow cannot be reached, or refuses the run.
        """
        store = endpoint().url
        for name, value in {**_ENVIRONMENT, **({"MLFLOW_S3_ENDPOINT_URL": store} if store else {})}.items():
            os.environ.setdefault(name, value)
        self._settings = settings
        self._warn = warn
        self.run_id = ""
        try:
            self.run_id = patiently(partial(self._opened, uri, known))
            self._logged = patiently(lambda: max((one.step for one in self._history(_LOSS)), default=0))
        except Exception as error:  # whatever the store behind MLflow raises
            if self.run_id:
                self._ended("FAILED")
            raise TrackingUnusable(
                f"MLflow cannot open a run ({cause_of(error)}); correct tracking.uri, or start its server again."
            ) from error
        self._metrics = MetricBuffer(self._client, self.run_id, warn)
        self._attempts = Attempts(warn)
        self._handler: Any = None

    def _opened(self, uri: str, known: str | None) -> str:
        # It tells of the tables that it creates in a new database.
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self._client = MlflowClient(uri)
        _use(uri)
        found = self._found(known) if known else None
        known = known if found else None
        experiment = (
            None if known else experiment_of(self._client, uri, self._settings.experiment, self._settings.artifacts)
        )
        measured = self._settings.system_metrics and importlib.util.find_spec("psutil") is not None
        run = mlflow.start_run(
            run_id=known,
            experiment_id=experiment,
            run_name=None if known else self._settings.run_name,
            log_system_metrics=measured,
        )
        self.looked = int(found.data.tags.get(_LOOKED, -1)) if found else -1
        return run.info.run_id

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            # Launchers and schedulers end processes so; without this the run would never end in MLflow.
            self._handler = signal.signal(signal.SIGTERM, _terminated)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        killed = kind is not None and issubclass(kind, (KeyboardInterrupt, SystemExit))
        try:
            self.close("KILLED" if killed else "FAILED" if kind else "FINISHED")
        finally:
            if self._handler is not None:
                signal.signal(signal.SIGTERM, self._handler)

    def describe(self, settings: Mapping[str, Any], data: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """Log settings, data and code of a new run."""
        self._attempts.do("log the settings", partial(log_settings, self._client, self.run_id, settings))
        self._attempts.do("log the data", partial(log_data, self._client, self.run_id, data, code))

    def wants(self, step: int) -> bool:
        """Return whether a step has not been logged yet."""
        return step > self._logged

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """Buffer the metrics of a step, unless it has been logged."""
        if self.wants(step):
            self._metrics.add(step, numbers)
            if len(self._metrics) > _BUFFERED:
                self.flush()

    def pending(self) -> list[Entry]:
        """Return the metrics that have not been logged, for `restore` in a later process."""
        return self._metrics.entries()

    def restore(self, entries: Iterable[Entry]) -> None:
        """Buffer what an earlier process of this run could not log."""
        self._metrics.restore(one for one in entries if self.wants(one[3]) or one[0].startswith(SCORE))

    def flush(self, patient: bool = False) -> bool:
        """Log the buffered metrics and what has failed before; return whether nothing is left.

        After a failure MLflow is left alone for a while, unless `patient`.
        """
        if self._attempts.resting and not patient:
            return False
        last = max((entry[3] for entry in self._metrics.entries()), default=self._logged)
        self._attempts.tried(f"log {len(self._metrics)} metrics", self._metrics.send, patient)
        if len(self._metrics):
            return False
        self._logged = max(self._logged, last)
        return self._attempts.again(patient)

    def record_file(self, path: Path) -> None:
        """Log a file as an artifact."""
        self._attempts.do(f"log {path.name}", partial(self._client.log_artifact, self.run_id, str(path)))

    def record_looks(self, step: int, samples: list[Sample], scores: Iterable[Score]) -> None:
        """Log sample predictions of a step as a figure and as JSON, and the scores of its evaluation."""
        self._metrics.add(step, score_metrics(scores))
        self._attempts.do(f"log the samples of step {step}", partial(self._log_samples, step, samples))
        self.flush()
        self._attempts.do("mark the step", partial(self._client.set_tag, self.run_id, _LOOKED, step))
        self.looked = step

    def _log_samples(self, step: int, samples: list[Sample]) -> None:
        if samples:
            rows = [{"question": one.question, "target": one.target, "prediction": one.prediction} for one in samples]
            self._client.log_text(self.run_id, json.dumps(rows, indent=1), f"samples/step-{step:09d}.json")
            self._client.log_figure(self.run_id, sample_figure(samples), f"samples/step-{step:09d}.png")

    def record_losses(self) -> None:
        """Log a figure of all loss curves so far."""
        self._attempts.do("log the loss curves", self._log_losses)

    def _log_losses(self) -> None:
        names = [name for name in self._client.get_run(self.run_id).data.metrics if name.split("/")[0] == _LOSS]
        found = {name: sorted((one.step, one.value) for one in self._history(name)) for name in names}
        if found:
            self._client.log_figure(self.run_id, loss_figure(found), "loss.png")

    def register(self, folder: Path, data: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """Register the model of a folder with its data and code, once per run."""
        name = self._settings.registered_model
        if name is not None:
            self._attempts.do(f"register {folder}", partial(self._register, name, folder, {**data_tags(data), **code}))

    def _register(self, name: str, folder: Path, tags: Mapping[str, str]) -> None:
        if self._client.search_model_versions(f"name = '{name}' and run_id = '{self.run_id}'"):
            return
        made = mlflow.pyfunc.log_model(
            name="model",
            loader_module="vlm.loop.registered",
            data_path=str(folder),
            registered_model_name=name,
            pip_requirements=["spatiallake[training]"],
        )
        for key, value in tags.items():
            self._client.set_model_version_tag(name, str(made.registered_model_version), key, value)

    def close(self, status: str = "FINISHED") -> None:
        """Write what is left and end the run; a run that failed or was killed does not wait for MLflow."""
        patient = status == "FINISHED"
        if not self.flush(patient) and (len(self._metrics) or len(self._attempts)):
            self._warn(
                f"Warning: {len(self._metrics)} metrics and {len(self._attempts)} other records are not in MLflow; "
                "start the same command again to add the metrics."
            )
        self._attempts.tried("end the run", partial(self._client.set_terminated, self.run_id, status), patient)
        self._ended(status)

    def _ended(self, status: str) -> None:
        """End what MLflow keeps of the run in this process, whatever its store says."""
        with suppress(Exception):
            # Another part of this process may have named another store since, where the run would end as well.
            _use(self._client.tracking_uri)
            mlflow.end_run(status)

    def _history(self, name: str) -> list[Metric]:
        return list(self._client.get_metric_history(self.run_id, name))

    def _found(self, run: str) -> Any:
        """Return a run that exists and is not deleted."""
        try:
            found = self._client.get_run(run)
        except MlflowException as error:
            if error.error_code == _MISSING:
                return None
            raise
        return found if found.info.lifecycle_stage == "active" else None


def _use(uri: str) -> None:
    """Let MLflow's functions work on a store."""
    named = os.environ.get(_VARIABLE)
    mlflow.set_tracking_uri(uri)
    # MLflow writes the URI there, where the next run in this process would take it for the user's.
    if named is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = named


def _terminated(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def log_scores(uri: str, run_id: str, scores: Iterable[Score], step: int | None = None) -> None:
    """Log scores to a run, under the names of `score_metrics`."""
    now_ms = int(time.time() * 1000)
    metrics = [Metric(metric_name(name), value, now_ms, step or 0) for name, value in score_metrics(scores).items()]
    MlflowClient(uri).log_batch(run_id, metrics=metrics)
