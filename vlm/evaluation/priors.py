"""Priors that answer relations from nouns alone, each fitted on training answers."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from vlm.evaluation.relations import Asked, has_winner, question_of, relation_of, winner_and_loser

# Says the answer to a question, None where it knows nothing.
Prior = Callable[[Asked], bool | None]
STRENGTH = "strength of nouns"
_RIDGE = 0.1


def priors_of(training: Sequence[Asked]) -> dict[str, Prior]:
    """Return every prior by name: the more frequent answer of a type and its nouns, and the nouns' strengths."""
    return {
        "type and both nouns": _majority(training, question_of),
        "type and first noun": _majority(training, first_noun),
        "type and second noun": _majority(training, second_noun),
        STRENGTH: _strength(training),
    }


def first_noun(one: Asked) -> Hashable:
    """Return the type and the kind of the thing named first."""
    return one.type_id, one.side, one.kinds[0]


def second_noun(one: Asked) -> Hashable:
    """Return the type and the kind of the thing named second."""
    return one.type_id, one.side, one.kinds[1]


def accuracy(prior: Prior, asked: Sequence[Asked]) -> float:
    """Return the share of questions that a prior has right; one that it cannot answer counts as half right."""
    return sum(0.5 if (said := prior(one)) is None else said == one.answer for one in asked) / len(asked)


def _majority(training: Sequence[Asked], key: Callable[[Asked], Hashable]) -> Prior:
    yes_less_no: Counter[Hashable] = Counter()
    for one in training:
        yes_less_no[key(one)] += 1 if one.answer else -1

    def say(one: Asked) -> bool | None:
        found = yes_less_no[key(one)]
        return None if found == 0 else found > 0

    return say


def _strength(training: Sequence[Asked]) -> Prior:
    """Return the prior that of two kinds the stronger one in the relation comes first, by Bradley and Terry's model.

    (Bradley and Terry, Rank analysis of incomplete block designs, Biometrika 39, 1952, with a ridge penalty.)
    """
    won: dict[str, Counter[tuple[str, str]]] = {}
    for one in filter(has_winner, training):
        won.setdefault(relation_of(one), Counter())[winner_and_loser(one)] += 1
    strengths = {relation: _strengths(counts) for relation, counts in won.items()}

    def say(one: Asked) -> bool | None:
        if not has_winner(one):
            return None
        known = strengths.get(relation_of(one), {})
        winner, loser = (known.get(kind, 0.0) for kind in winner_and_loser(one))
        return None if winner == loser else one.answer == (winner > loser)

    return say


def _strengths(won: Counter[tuple[str, str]]) -> dict[str, float]:
    """Return the strength of every kind of one relation; `won` counts how often one came before another."""
    kinds = sorted({kind for pair in won for kind in pair})
    place = {kind: number for number, kind in enumerate(kinds)}
    winners, losers = np.array([[place[kind] for kind in pair] for pair in sorted(won)]).T
    times = np.array([won[pair] for pair in sorted(won)], float)

    def loss(strength: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        ahead = strength[winners] - strength[losers]
        wrong = times * expit(-ahead)
        slope = np.bincount(losers, wrong, len(kinds)) - np.bincount(winners, wrong, len(kinds))
        return float(times @ np.logaddexp(0.0, -ahead) + _RIDGE * strength @ strength), slope + 2 * _RIDGE * strength

    found = minimize(loss, np.zeros(len(kinds)), jac=True, method="L-BFGS-B").x
    return dict(zip(kinds, found.tolist(), strict=True))
