"""Quantiles by partial sorting: equal to numpy's linear interpolation, much faster for a few levels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def quantiles(values: NDArray[Any], shares: Sequence[float]) -> list[float]:
    """Return the quantiles of a flat array at `shares` in [0, 1], interpolated linearly between order statistics."""
    ranks = [share * (len(values) - 1) for share in shares]
    lower = [int(rank) for rank in ranks]
    upper = [min(rank + 1, len(values) - 1) for rank in lower]
    ordered = np.partition(values, sorted({*lower, *upper}))
    return [
        float(ordered[low] + (rank - low) * (ordered[high] - ordered[low]))
        for rank, low, high in zip(ranks, lower, upper, strict=True)
    ]
