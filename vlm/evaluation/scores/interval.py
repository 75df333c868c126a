"""95 % confidence intervals: Wilson's for shares, a seeded bootstrap for all other scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Z_95 = 1.959963984540054
RESAMPLES = 1000
SEED = 20240
_BATCH_VALUES = 2_000_000


@dataclass(frozen=True)
class Score:
    """A score over `count` answers with its 95 % confidence interval, None if there are too few answers."""

    name: str
    value: float
    count: int
    low: float | None = None
    high: float | None = None


def share(name: str, right: Sequence[bool] | NDArray[np.bool_]) -> Score:
    """Return the share of true values with its Wilson interval; `right` must not be empty."""
    count = int(np.sum(right))
    interval = stats.binomtest(count, len(right)).proportion_ci(0.95, method="wilson")
    return Score(name, count / len(right), len(right), float(interval.low), float(interval.high))


def mean(name: str, values: ArrayLike) -> Score:
    """Return the mean with its bootstrap interval; `values` must not be empty."""
    return bootstrapped(name, np.mean, np.asarray(values, float))


def median(name: str, values: ArrayLike) -> Score:
    """Return the median with its bootstrap interval; `values` must not be empty."""
    return bootstrapped(name, np.median, np.asarray(values, float))


def bootstrapped(name: str, statistic: Callable[..., NDArray[np.float64]], *samples: NDArray[np.float64]) -> Score:
    """Return a statistic of independent samples, each resampled by itself for the interval.

    `statistic(*samples, axis)` is vectorized. Every call uses the same seed, so equal answers get equal intervals.
    """
    value = float(statistic(*samples, axis=-1))
    count = sum(len(sample) for sample in samples)
    if any(len(sample) < 2 for sample in samples):
        return Score(name, value, count)
    if all(np.ptp(sample) == 0 for sample in samples):
        return Score(name, value, count, value, value)
    found = stats.bootstrap(
        samples,
        statistic,
        n_resamples=RESAMPLES,
        batch=max(1, _BATCH_VALUES // count),
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    return Score(name, value, count, float(found.confidence_interval.low), float(found.confidence_interval.high))
