"""The result of every claim with a 95 % interval over images and seeds, beside the published value."""

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.claims.outcomes import BLANKED, GENERAL, LONG, SIDES, Outcomes
from vlm.evaluation.baselines import TEXT_ONLY_PRIOR
from vlm.evaluation.published import published

DRAWS = 4_000
SEED = 20240
_EDGES = (0.025, 0.975)


class Figure(NamedTuple):
    """A share, or a difference of shares, with its 95 % interval; `spread` is the range over the seeds."""

    value: float
    low: float
    high: float
    spread: float
    seeds: int


class Drawn:
    """Bootstrap over images, the same draws for all conditions, and over the seeds of each condition.

    Images are drawn since items about one image are correlated; conditions are compared on the same draws.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        rng = np.random.default_rng(SEED)
        images = len(outcomes.counts)
        self._outcomes = outcomes
        self._weights = rng.multinomial(images, np.full(images, 1 / images), size=DRAWS).astype(float)
        self._counts = np.maximum(self._weights @ outcomes.counts, 1)
        self._draws: dict[str, NDArray[np.float64]] = {}

    def condition(self, name: str) -> Figure:
        """Return the share of a condition."""
        return _figure(self._drawn(name), self._by_seed(name))

    def difference(self, name: str, over: str) -> Figure:
        """Return the difference between two conditions; `spread` and `seeds` are the larger of the two."""
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
            # Seeded by name, so that a condition does not depend on which others exist.
            rng = np.random.default_rng([SEED, *name.encode()])
            seeds = rng.integers(shares.shape[1], size=shares.shape)
            self._draws[name] = np.take_along_axis(shares, seeds, axis=1).mean(1)
        return self._draws[name]


def _figure(drawn: NDArray[np.float64], by_seed: NDArray[np.float64]) -> Figure:
    low, high = np.quantile(drawn, _EDGES)
    return Figure(float(by_seed.mean()), float(low), float(high), float(np.ptp(by_seed)), len(by_seed))


_HALF, _THIRD, _TENTH = "in_range[0.5,2]", "in_range[2/3,1.5]", "in_range[0.9,1.1]"


class Claim(NamedTuple):
    """The claim that `condition` exceeds `over`, or without it the published value, by more than `above` in a score.

    A negative `above` claims that it is not worse by more than that, which is only meaningful if `over` exceeds the
    condition `untaught`. `settings` names the published values of both.
    """

    part: str
    says: str
    score: str
    condition: str
    over: str | None
    above: float
    settings: tuple[str | None, str | None] = (None, None)
    untaught: str | None = None


_UNTAUGHT = "undecided: nothing was learned that could suffer"
_LOOKS = "images help: higher accuracy than with blank images"
_WORDS = "higher accuracy than from the question alone"
_SPATIAL = "spatial data teaches spatial questions"
_OWN = "its own benchmark"
_FROZEN = ("vision encoder unfrozen", "vision encoder frozen")
_WITHOUT_NOISE = "answers without noise"
_VQA = "VQAv2"

CLAIMS = (
    Claim("a", _SPATIAL, "qualitative", "spatial", "none", 0.0, (_OWN, None)),
    Claim("a", _SPATIAL, _HALF, "spatial", "none", 0.0, (_OWN, None)),
    *(
        Claim("a", says, score, condition, over, 0.0)
        for condition in ("spatial", "long")
        for says, over in ((_LOOKS, condition + BLANKED), (_WORDS, TEXT_ONLY_PRIOR))
        for score in ("qualitative", SIDES, _TENTH)
    ),
    Claim("b", "nearly every answer is a number", "number_rate", "spatial", None, -0.01, (_OWN, None)),
    *(
        Claim("c", "an unfrozen vision encoder measures better", score, "unfrozen", "spatial", 0.0, _FROZEN)
        for score in (_HALF, _THIRD, _TENTH)
    ),
    *(
        Claim(
            "d",
            f"noise of {noise} m on the answers does no harm",
            score,
            f"noise_{noise}",
            "spatial",
            -0.05,
            (f"Gaussian noise of {noise} m on the answers", _WITHOUT_NOISE),
            "none",
        )
        for score in (_HALF, LONG)
        for noise in ("0.1", "0.2", "0.3")
    ),
    Claim(
        "e",
        "5 % spatial tokens do no harm to general questions",
        GENERAL,
        "share_5",
        "none",
        -0.03,
        (f"{_VQA} with 5 % of tokens spatial", f"{_VQA} without spatial data"),
    ),
    *(
        Claim(
            *("f", "experts on images alone teach as well as sensors", score, "builtin", "sensor_few", -0.05),
            untaught="none",
        )
        for score in ("qualitative", _HALF)
    ),
)


def figures(found: dict[str, Outcomes]) -> dict[str, Any]:
    """Return the results of every claim with finished conditions, and of every condition."""
    drawn = {score: Drawn(own) for score, own in found.items()}
    conditions: dict[str, dict[str, Any]] = {}
    for score, own in found.items():
        for condition in own.sums:
            conditions.setdefault(condition, {})[score] = drawn[score].condition(condition)._asdict()
    return {"claims": list(_claims(found, drawn)), "conditions": conditions}


def _claims(found: dict[str, Outcomes], drawn: dict[str, Drawn]) -> Iterator[dict[str, Any]]:
    for claim in CLAIMS:
        sums = found[claim.score].sums if claim.score in found else {}
        if claim.condition not in sums or (claim.over is not None and claim.over not in sums):
            continue
        one, told = drawn[claim.score], [_published(claim.score, setting) for setting in claim.settings]
        own = one.condition(claim.condition)
        if claim.over is None:
            other, known = None, told[0] or 0.0
            apart = own._replace(value=own.value - known, low=own.low - known, high=own.high - known)
        else:
            other, apart = one.condition(claim.over), one.difference(claim.condition, claim.over)
        yield {
            **{name: getattr(claim, name) for name in ("part", "says", "score", "condition", "over", "above")},
            "value": own._asdict(),
            "over_value": other._asdict() if other else None,
            "difference": apart._asdict(),
            "published": told[0],
            "published_over": told[1],
            "verdict": verdict(apart, claim.above) if _taught(claim, one, sums) else _UNTAUGHT,
        }


def _taught(claim: Claim, drawn: Drawn, conditions: Container[str]) -> bool:
    if claim.untaught is None or claim.over is None:
        return True
    return claim.untaught in conditions and drawn.difference(claim.over, claim.untaught).low > 0


def verdict(apart: Figure, above: float) -> str:
    """Return whether the interval of a difference lies above the claimed one, below it, or around it."""
    if apart.low > above:
        return "reproduced"
    return "not reproduced" if apart.high < above else "undecided"


def _published(score: str, setting: str | None) -> float | None:
    named = {GENERAL: "vqa_official", LONG: _HALF}.get(score, score)
    return next((one.value for one in published() if (one.score, one.setting) == (named, setting)), None)
