"""Rank correlation."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation of two equally long lists; None if either never changes."""
    if len(one) < 2 or len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])
