"""Runs in MLflow: a sqlite database beside the weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlm.builtin.settings import TrainSettings
from vlm.builtin.training import Report

_EXPERIMENT = "train-experts"
_RUN_FILE = "mlflow_run"


@contextmanager
def tracked(settings: TrainSettings) -> Iterator[Report]:
    """Open the folder's run, or go on with it after a break, and yield what records numbers by step."""
    import mlflow

    folder = Path(settings.out)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    if mlflow.get_experiment_by_name(_EXPERIMENT) is None:
        mlflow.create_experiment(_EXPERIMENT, artifact_location=(folder / "artifacts").absolute().as_uri())
    mlflow.set_experiment(_EXPERIMENT)
    noted = folder / _RUN_FILE
    known = noted.read_text() if noted.exists() else None
    with mlflow.start_run(run_id=known) as run:
        noted.write_text(run.info.run_id)
        if known is None:
            mlflow.log_params(settings.model_dump())

        def record(step: int, numbers: dict[str, float]) -> None:
            mlflow.log_metrics(numbers, step=step)

        yield record


def record_file(path: Path) -> None:
    """Add a file to the run that is open."""
    import mlflow

    mlflow.log_artifact(str(path))
