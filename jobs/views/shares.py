"""Compares how two samples are distributed over categories: how far apart they are, and whether chance explains it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, false_discovery_control

# Under this the chi-square distribution is a poor guide to the statistic (Cochran 1954).
_MIN_EXPECTED = 5.0


@dataclass(frozen=True)
class Sample:
    """Counts by category, which came from so many independent units: answers about one image depend on each other."""

    counts: Mapping[str, float]
    units: float

    @property
    def total(self) -> float:
        """Return the sum of the counts."""
        return float(sum(self.counts.values()))

    def share(self, category: str) -> float:
        """Return the share of a category; 0 where there is nothing."""
        return self.counts.get(category, 0) / self.total if self.total else 0.0


@dataclass(frozen=True)
class Compared:
    """Two samples: their Jensen-Shannon distance in [0, 1], and the p-value of a chi-square test of homogeneity.

    `distance` is None where a sample is empty, `p` where there is too little to test. `p_adjusted` is the p-value among
    all comparisons that are made together (Benjamini-Hochberg).
    """

    name: str
    a: Sample
    b: Sample
    distance: float | None
    p: float | None
    p_adjusted: float | None = None

    @property
    def changes(self) -> list[tuple[str, float, float]]:
        """Return each category with its share in both, the largest change first."""
        names = sorted({*self.a.counts, *self.b.counts})
        shares = [(name, self.a.share(name), self.b.share(name)) for name in names]
        return sorted(shares, key=lambda one: -abs(one[1] - one[2]))


def compared(name: str, a: Sample, b: Sample) -> Compared:
    """Compare two samples.

    The test counts units, not answers: each sample's counts are scaled to its number of units. Rare categories, in
    which fewer than five units are expected, are tested together.
    """
    categories = sorted({*a.counts, *b.counts})
    if not a.total or not b.total:
        return Compared(name, a, b, None, None)
    shares = np.array([[sample.share(category) for category in categories] for sample in (a, b)])
    distance = float(jensenshannon(shares[0], shares[1], base=2))
    # Rounding can leave less than nothing under the root.
    distance = 0.0 if np.isnan(distance) else distance
    units = np.array([min(sample.units, sample.total) for sample in (a, b)])
    return Compared(name, a, b, distance, _p_value(shares * units[:, None]))


def adjusted(comparisons: Iterable[Compared]) -> list[Compared]:
    """Return the comparisons with p-values adjusted for their number, by their false discovery rate."""
    found = list(comparisons)
    tested = [one.p for one in found if one.p is not None]
    among = iter(false_discovery_control(tested) if tested else ())
    return [one if one.p is None else replace(one, p_adjusted=float(next(among))) for one in found]


def _p_value(counts: NDArray[np.float64]) -> float | None:
    totals = counts.sum(axis=0)
    rare = totals * (counts.sum(axis=1).min() / counts.sum()) < _MIN_EXPECTED
    pooled = counts[:, ~rare]
    if rare.any():
        pooled = np.column_stack([pooled, counts[:, rare].sum(axis=1)])
    pooled = pooled[:, pooled.sum(axis=0) > 0]
    if pooled.shape[1] < 2 or pooled.sum(axis=1).min() < _MIN_EXPECTED:
        return None
    return float(chi2_contingency(pooled, correction=False).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
