"""Paired differences between a model and its blind counterparts on the same items, with their significance."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.predictors.views import seer_of
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.interval import Z_95
from vlm.evaluation.scores.numbers import RANGES, within

_MIN_STANDARD_ERRORS = 2.0


@dataclass(frozen=True)
class Margin:
    """The accuracy of `model` minus that of `over`, both on the same `count` items.

    `standard_error` is that of the mean paired difference, clustered by image; `low` and `high` are its 95 % interval,
    and `sure` says whether the difference exceeds two standard errors.
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
        """Return all fields as plain values."""
        return asdict(self)


def margins(models: Mapping[str, Sequence[Prediction]], prior: Sequence[Prediction]) -> list[Margin]:
    """Return the margins of every model over its image-ablated runs and over the text-only baseline.

    `models` holds the predictions of all runs except baselines, by name.
    """
    rows = list(models)
    result = []
    for model in rows:
        if seer_of(model, rows) is None:
            blind = [models[row] for row in rows if seer_of(row, rows) == model]
            result += [margin for other in (*blind, prior) for margin in _between(models[model], other)]
    return result


def _between(own: Sequence[Prediction], over: Sequence[Prediction]) -> Iterator[Margin]:
    other = {one.item.item_id: one for one in over}
    for score, rights in _RIGHTS.items():
        differences: dict[str, list[float]] = defaultdict(list)
        for one in own:
            pair = rights(one), rights(other[one.item.item_id]) if one.item.item_id in other else None
            if pair[0] is not None and pair[1] is not None:
                differences[one.item.image_id or one.item.item_id].append(float(pair[0]) - float(pair[1]))
        count = sum(map(len, differences.values()))
        if len(differences) < 2:
            continue
        value = sum(map(sum, differences.values())) / count
        # Answers about one image are correlated, so errors are clustered by image.
        off = np.array([sum(some) - value * len(some) for some in differences.values()])
        error = float(np.sqrt(np.sum(off**2) * len(off) / (len(off) - 1))) / count
        yield Margin(
            model=own[0].model,
            over=over[0].model,
            score=score,
            value=value,
            low=value - Z_95 * error,
            high=value + Z_95 * error,
            standard_error=error,
            count=count,
            sure=value > _MIN_STANDARD_ERRORS * error,
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
