"""What it took to train every arm, from the runs in MLflow."""

import itertools
import statistics
from collections.abc import Iterator
from typing import Any

from studies.claims.study import Study
from studies.claims.training import EXPERIMENT, tracking_uri

_LAST = 100


def trained(study: Study) -> list[dict[str, Any]]:
    """Return how every finished run of the study's arms went.

    Each has its `run`, its number of `updates`, the median `update_s` from one update to the next, the mean
    `wait_share` of an update that it waited for data, `spatial_share` of its answer tokens, and its `loss` and
    `spatial_loss`, the means of its last 100 updates; what has no spatial data has none of its figures.
    """
    runs = [f"{arm}-{seed}" for seed, arm in itertools.product(range(1, study.seeds + 1), study.named)]
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
        "updates": losses[-1].step,
        "update_s": statistics.median(between_s),
        "wait_share": statistics.fmean(one.value for one in history("loader_wait_share")),
        "spatial_share": shares[-1].value if shares else None,
        "loss": _mean_of_last(losses, losses[-1].step),
        "spatial_loss": _mean_of_last(spatial, losses[-1].step),
    }


def _mean_of_last(history: list[Any], step: int) -> float | None:
    last = [one.value for one in history if one.step > step - _LAST]
    return statistics.fmean(last) if last else None
