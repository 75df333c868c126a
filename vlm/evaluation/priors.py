"""Priors that answer relations from nouns alone, each fitted on training answers."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from vlm.evaluation.relations import Asked, has_winner, question_of, relation_of, winner_and_loser

# Says the answer to a question, None where it knows nothing.
Prior = Callable[[Asked], bool | None]


def priors_of(training: Sequence[Asked]) -> dict[str, Prior]:
    """Return every prior by name: the more frequent answer of a type and its nouns, and the nouns' strengths."""
    return {
        "type and both nouns": _majority(training, question_of),
        "type and first noun": _majority(training, first_noun),
        "type and second noun": _majority(training, second_noun),
        "strength of nouns": _strength(training),
    }


def first_noun(one: Asked) -> Hashable:
    """Return the type and the kind of the thing named first."""
    return one.type_id, one.side, one.kinds[0]


def second_noun(one: Asked) -> Hashable:
    """Return the type and the kind of the thing named second."""
    return one.type_id, one.side, one.kinds[1]


def accuracy(prior: Prior, asked: Sequence[Asked]) -> float:
    """Return the share of questions that a prior has right, one that it knows nothing of taken for a half."""
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
    """Return the prior that a kind which came first more often in a relation, whatever it was held against, does."""
    won_less_lost: Counter[Hashable] = Counter()
    for one in filter(has_winner, training):
        winner, loser = winner_and_loser(one)
        won_less_lost[relation_of(one), winner] += 1
        won_less_lost[relation_of(one), loser] -= 1

    def say(one: Asked) -> bool | None:
        if not has_winner(one):
            return None
        winner, loser = (won_less_lost[relation_of(one), kind] for kind in winner_and_loser(one))
        return None if winner == loser else one.answer == (winner > loser)

    return say
