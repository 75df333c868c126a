"""Training figures of every run, from MLflow."""

import itertools
import statistics
from collections.abc import Iterator
from typing import Any

from studies.claims.study import Study
from studies.claims.training import EXPERIMENT, tracking_uri

_LAST = 100


def trained(study: Study) -> list[dict[str, Any]]:
    """Return the training figures of every finished run.

    `run`, `steps`, the median seconds per step `step_s`, the mean `wait_share` of a step spent waiting for data, the
    `spatial_share` of answer tokens, and `loss` and `spatial_loss`, means over the last 100 steps. Figures of spatial
    data are None without any.
    """
    runs = [f"{condition}-{seed}" for seed, condition in itertools.product(range(1, study.seeds + 1), study.named)]
    return list(_trained(study, runs)) if study.folder("mlflow.db").is_file() else []


def _trained(study: Study, runs: list[str]) -> Iterator[dict[str, Any]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri(study))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    for name in runs:
        found = experiment and client.search_runs(
            [experiment.experiment_id],
            f"attributes.run_name = '{name}' and attributes.status = 'FINISHED'",
            order_by=["attributes.start_time DESC"],
            max_results=1,
        )
        for run in found or ():
            yield _figures(client, name, run.info.run_id)


def _figures(client: Any, name: str, run_id: str) -> dict[str, Any]:
    def history(key: str) -> list[Any]:
        return sorted(client.get_metric_history(run_id, key), key=lambda one: one.step)

    losses, spatial, shares = history("loss"), history("loss/spatial"), history("token_share/spatial")
    between_s = [(after.timestamp - one.timestamp) / 1e3 for one, after in itertools.pairwise(losses)]
    return {
        "run": name,
        "steps": losses[-1].step,
        "step_s": statistics.median(between_s),
        "wait_share": statistics.fmean(one.value for one in history("loader_wait_share")),
        "spatial_share": shares[-1].value if shares else None,
        "loss": _mean_of_last(losses, losses[-1].step),
        "spatial_loss": _mean_of_last(spatial, losses[-1].step),
    }


def _mean_of_last(history: list[Any], step: int) -> float | None:
    last = [one.value for one in history if one.step > step - _LAST]
    return statistics.fmean(last) if last else None
