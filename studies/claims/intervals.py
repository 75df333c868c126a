"""95 % intervals over photographs and seeds together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.claims.outcomes import Outcomes

DRAWS = 4_000
SEED = 20240
_EDGES = (0.025, 0.975)


class Figure(NamedTuple):
    """A share, or a difference of shares, with its 95 % interval.

    `spread` is the largest less the least seed's, of so many `seeds`.
    """

    value: float
    low: float
    high: float
    spread: float
    seeds: int


class Drawn:
    """Photographs drawn with replacement, the same for all arms, and for each arm of its seeds as many as it has.

    Items about one photograph are right or wrong together, so it is photographs that are drawn, and arms are compared
    on the same ones.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        rng = np.random.default_rng(SEED)
        photographs = len(outcomes.counts)
        self._outcomes = outcomes
        self._weights = rng.multinomial(photographs, np.full(photographs, 1 / photographs), size=DRAWS).astype(float)
        self._counts = np.maximum(self._weights @ outcomes.counts, 1)
        self._draws: dict[str, NDArray[np.float64]] = {}

    def arm(self, name: str) -> Figure:
        """Return an arm's share of all its answers."""
        return _figure(self._drawn(name), self._by_seed(name))

    def difference(self, name: str, over: str) -> Figure:
        """Return how far an arm is above another; `spread` and `seeds` are the larger of the two."""
        own, other = self._by_seed(name), self._by_seed(over)
        drawn = self._drawn(name) - self._drawn(over)
        low, high = np.quantile(drawn, _EDGES)
        spread = max(float(np.ptp(own)), float(np.ptp(other)))
        seeds = max(len(own), len(other))
        return Figure(float(own.mean() - other.mean()), float(low), float(high), spread, seeds)

    def _by_seed(self, name: str) -> NDArray[np.float64]:
        return self._outcomes.sums[name].sum(1) / self._outcomes.counts.sum()

    def _drawn(self, name: str) -> NDArray[np.float64]:
        if name not in self._draws:
            shares = (self._weights @ self._outcomes.sums[name].T) / self._counts[:, None]
            # By the arm's name, so that no arm's seeds depend on which other arms there are.
            rng = np.random.default_rng([SEED, *name.encode()])
            seeds = rng.integers(shares.shape[1], size=shares.shape)
            self._draws[name] = np.take_along_axis(shares, seeds, axis=1).mean(1)
        return self._draws[name]


def _figure(drawn: NDArray[np.float64], by_seed: NDArray[np.float64]) -> Figure:
    low, high = np.quantile(drawn, _EDGES)
    return Figure(float(by_seed.mean()), float(low), float(high), float(np.ptp(by_seed)), len(by_seed))
