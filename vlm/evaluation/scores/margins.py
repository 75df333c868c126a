"""How far a model is above one that does not look, on the same items, and whether chance could do that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vlm.evaluation.baselines import TEXT_ONLY_PRIOR
from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.predictors.views import seer_of
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.interval import Z_95
from vlm.evaluation.scores.numbers import RANGES, within

_SURE_ERRORS = 2.0


@dataclass(frozen=True)
class Margin:
    """A model's share of right answers less that of `over`, both on the same `count` items.

    `standard_error` is that of the mean of the differences item by item, `low` and `high` the 95 % interval that it
    makes; `sure` is whether the difference exceeds two of it.
    """

    model: str
    over: str
    score: str
    value: float
    low: float
    high: float
    standard_error: float
    count: int
    sure: bool

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def margins(answers: Mapping[str, Sequence[Prediction]]) -> list[Margin]:
    """Return the margins of every model over the text-only prior and over itself without its pictures.

    `answers` are those of every row of the leaderboard by its name, models first, and baselines.
    """
    rows = list(answers)
    own_blind = {row: seer_of(row, rows) for row in rows}
    found = []
    for model in rows:
        if model == TEXT_ONLY_PRIOR or own_blind[model] is not None:
            continue
        blind = [row for row in rows if own_blind[row] == model or row == TEXT_ONLY_PRIOR]
        found += [margin for over in blind for margin in _between(model, over, answers)]
    return found


def _between(model: str, over: str, answers: Mapping[str, Sequence[Prediction]]) -> Iterator[Margin]:
    other = {one.item.item_id: one for one in answers[over]}
    for score, rights in _RIGHTS.items():
        pairs = [(rights(one), rights(other[one.item.item_id])) for one in answers[model] if one.item.item_id in other]
        differences = np.array([float(own) - float(its) for own, its in pairs if own is not None and its is not None])
        if len(differences) < 2:
            continue
        value = float(differences.mean())
        error = float(differences.std(ddof=1) / np.sqrt(len(differences)))
        yield Margin(
            model,
            over,
            score,
            value,
            value - Z_95 * error,
            value + Z_95 * error,
            error,
            len(differences),
            value > _SURE_ERRORS * error,
        )


def _qualitative(one: Prediction) -> bool | None:
    return is_right(one) if one.item.kind in (Kind.BOOL, Kind.CHOICE) else None


def _close(one: Prediction) -> bool | None:
    truth = one.item.truth
    if one.item.kind != Kind.NUMBER or truth.unit_si == "rad" or truth.value_si is None:
        return None
    return one.parsed and within(one.reading.value, truth.value_si, *RANGES[_CLOSE])


_CLOSE = "in_range[0.9,1.1]"
_RIGHTS: dict[str, Callable[[Prediction], bool | None]] = {"qualitative": _qualitative, _CLOSE: _close}
