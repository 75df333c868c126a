"""Metrics on their way to MLflow, kept until they are logged."""

import time
from collections.abc import Iterable, Mapping

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from vlm.evaluation.scores.interval import Score
from vlm.loop.attempts import Warn, cause_of, is_refused
from vlm.loop.metric_names import metric_name

SCORE = "score/"
# A metric as JSON keeps it: its name, value, time (ms) and step.
Entry = tuple[str, float, int, int]
# MLflow's limit per request.
_METRICS = 1000


class MetricBuffer:
    """Metrics of one run in the order of their steps; what cannot be logged stays here."""

    def __init__(self, client: MlflowClient, run_id: str, warn: Warn) -> None:
        self._client = client
        self._run_id = run_id
        self._warn = warn
        self._entries: list[Metric] = []
        self._refused: set[str] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add the metrics of a step."""
        now_ms = int(time.time() * 1000)
        self._entries += [Metric(metric_name(name), float(value), now_ms, step) for name, value in numbers.items()]

    def entries(self) -> list[Entry]:
        """Return what has not been logged."""
        return [(one.key, one.value, one.timestamp, one.step) for one in self._entries]

    def restore(self, entries: Iterable[Entry]) -> None:
        """Add what an earlier process could not log."""
        self._entries += [Metric(*entry) for entry in entries]

    def send(self) -> None:
        """Log everything; names that MLflow refuses are dropped with a warning.

        Raises:
            Exception: MLflow cannot be reached; nothing is lost.
        """
        while self._entries:
            count = _whole_steps(self._entries)
            self._log(self._entries[:count])
            del self._entries[:count]

    def _log(self, metrics: list[Metric]) -> None:
        try:
            self._client.log_batch(self._run_id, metrics=[one for one in metrics if one.key not in self._refused])
        except MlflowException as error:
            if not is_refused(error):
                raise
            self._log_by_name(metrics, error)

    def _log_by_name(self, metrics: list[Metric], error: MlflowException) -> None:
        names = dict.fromkeys(one.key for one in metrics if one.key not in self._refused)
        refused: dict[str, MlflowException] = {}
        for name in names:
            try:
                self._client.log_batch(self._run_id, metrics=[one for one in metrics if one.key == name])
            except MlflowException as own:
                if not is_refused(own):
                    raise
                refused[name] = own
        if len(refused) == len(names):
            # Not the names are at fault then, but the run.
            raise error
        for name, own in refused.items():
            self._warn(f"Warning: MLflow refuses the metric {name} ({cause_of(own)}); it is left out.")
        self._refused |= refused.keys()


def _whole_steps(metrics: list[Metric]) -> int:
    """Return how many metrics fit into a request without parting those of a step."""
    count = len(metrics)
    if count > _METRICS:
        count = next((n for n in range(_METRICS, 0, -1) if metrics[n].step != metrics[n - 1].step), _METRICS)
    return count


def score_metrics(scores: Iterable[Score]) -> dict[str, float]:
    """Return scores as metrics `score/NAME`, with `_low` and `_high` for intervals."""
    found: dict[str, float] = {}
    for score in scores:
        values = {"": score.value, "_low": score.low, "_high": score.high}
        found |= {f"{SCORE}{score.name}{end}": value for end, value in values.items() if value is not None}
    return found
