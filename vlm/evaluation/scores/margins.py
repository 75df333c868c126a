"""How far a model is above one that does not look, on the same items, and whether chance could do that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

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


def margins(models: Mapping[str, Sequence[Prediction]], prior: Sequence[Prediction]) -> list[Margin]:
    """Return the margins of every model over itself without its pictures and over the text-only prior.

    `models` are the answers of every row that is no baseline, by its name.
    """
    rows = list(models)
    found = []
    for model in rows:
        if seer_of(model, rows) is None:
            blind = [models[row] for row in rows if seer_of(row, rows) == model]
            found += [margin for other in (*blind, prior) for margin in _between(models[model], other)]
    return found


def _between(own: Sequence[Prediction], over: Sequence[Prediction]) -> Iterator[Margin]:
    other = {one.item.item_id: one for one in over}
    for score, rights in _RIGHTS.items():
        pairs = [(rights(one), rights(other[one.item.item_id])) for one in own if one.item.item_id in other]
        differences = np.array([float(a) - float(b) for a, b in pairs if a is not None and b is not None])
        if len(differences) < 2:
            continue
        value = float(differences.mean())
        error = float(differences.std(ddof=1) / np.sqrt(len(differences)))
        yield Margin(
            model=own[0].model,
            over=over[0].model,
            score=score,
            value=value,
            low=value - Z_95 * error,
            high=value + Z_95 * error,
            standard_error=error,
            count=len(differences),
            sure=value > _SURE_ERRORS * error,
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
