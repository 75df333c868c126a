"""Statistics of columns as LeRobot keeps them: per dataset in `meta/stats.json`, per episode beside the episodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
Statistics = dict[str, Any]


def statistics_of(values: NDArray[Any]) -> Statistics:
    """Return min, max, mean, standard deviation, count and quantiles of the finite rows of `values` [n] or [n, d].

    Without a finite row all are 0, since JSON holds no NaN.
    """
    rows = values.reshape(len(values), -1).astype(np.float64)
    known = rows[np.isfinite(rows).all(1)]
    count = len(known)
    if not count:
        known = np.zeros((1, rows.shape[1]))
    found = {
        "min": known.min(0),
        "max": known.max(0),
        "mean": known.mean(0),
        "std": known.std(0),
        **{name: np.quantile(known, share, axis=0) for name, share in _QUANTILES.items()},
    }
    return {**{name: one.tolist() for name, one in found.items()}, "count": [count]}


def image_statistics(pixels: NDArray[np.uint8], count: int) -> Statistics:
    """Return the statistics of `pixels` [n, 3], sampled from `count` images, as shares of 255, each [3, 1, 1]."""
    found = statistics_of(pixels / 255.0)
    shaped = {name: [[[one]] for one in values] for name, values in found.items() if name != "count"}
    return {**shaped, "count": [count]}


def columns_of(statistics: Mapping[str, Statistics]) -> dict[str, Any]:
    """Return the statistics of an episode's columns by the names that LeRobot gives them in the table of episodes."""
    return {f"stats/{name}/{key}": value for name, own in statistics.items() for key, value in own.items()}
