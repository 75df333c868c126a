"""What an MLflow run says of itself: its experiment, settings, data and code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Param
from mlflow.exceptions import MlflowException

# MLflow's limit per request, and the maximum length of a parameter and of a digest.
_PARAMS, _PARAM_LENGTH, _DIGEST_LENGTH = 100, 6000, 36


def experiment_of(client: MlflowClient, uri: str, name: str, artifacts: str | None = None) -> str:
    """Return the id of an experiment, which is created if it does not exist, its artifacts under `artifacts`."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    # Makes MLflow's pages list training runs, not evaluations.
    tags = {"mlflow.experimentKind": "custom_model_development"}
    # By default MLflow stores artifacts in ./mlruns of the working directory.
    local = uri.startswith("sqlite:///")
    at = (Path(uri.removeprefix("sqlite:///")).absolute().parent / "mlflow" / name).as_uri() if local else None
    at = f"{artifacts.rstrip('/')}/{name}" if artifacts else at
    try:
        return client.create_experiment(name, at, tags)
    except MlflowException:
        # Another run may have created it at the same time.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id


def data_tags(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what identifies the data of a run as tags."""
    names = {"version": "delta_version", "table": "delta_table", "table_id": "delta_table_id"}
    return {names.get(name, f"data_{name}"): str(value) for name, value in data.items()}


def log_settings(client: MlflowClient, run_id: str, settings: Mapping[str, Any]) -> None:
    """Log settings as parameters."""
    params = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in settings.items()]
    for start in range(0, len(params), _PARAMS):
        client.log_batch(run_id, params=params[start : start + _PARAMS])


def log_data(client: MlflowClient, run_id: str, data: Mapping[str, Any], code: Mapping[str, str]) -> None:
    """Log data and code as tags, and the data as the active run's input."""
    for name, value in {**data_tags(data), **code}.items():
        client.set_tag(run_id, name, value)
    if data:
        # MLflow treats version 0 as the latest; the tag delta_version is correct.
        source = DeltaDatasetSource(path=data["table"], delta_table_version=data["version"])
        dataset = MetaDataset(source, name="training_examples", digest=data["digest"][:_DIGEST_LENGTH])
        mlflow.log_input(dataset, context="training", tags=data_tags(data))
