"""Selects relation questions whose answers nouns alone do not reveal.

All that a text-only model can learn about two kinds of objects is how often one comes first, as the left or the higher
one. So questions are kept in units in which every kind comes first as often as second: two about the same kinds with
opposite outcomes or, where two kinds are too rare for that, a ring of kinds, each of which came before the next. Where
training answers are known, units also are two questions of a type with opposite answers for which the strongest prior
predicts the same, first those that share a noun; and units are kept only while no prior fitted on these answers has
more of a type or relation right than wrong.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from udfs.language.draws import seed_of
from vlm.evaluation.priors import STRENGTH, Prior, first_noun, priors_of, second_noun
from vlm.evaluation.relations import Asked, has_winner, question_of, relation_of, winner_and_loser

# Largest excess of one answer over the other in a type, and of a prior's right over wrong predictions.
_SLACK = 2
_LONGEST_RING = 4

Unit = tuple[Asked, ...]
Edges = dict[str, dict[str, list[Asked]]]


def balanced(
    asked: Iterable[Asked], seed: int, max_per_type: int | None = None, training: Sequence[Asked] = ()
) -> list[Asked]:
    """Return the questions to keep, by their ids; the same whatever order they come in.

    At most `max_per_type` of each type. In every type, yes and no are right equally often within two questions, and
    so are the objects named first and second.
    """
    drawn = sorted(asked, key=lambda one: seed_of(seed, one.item_id))
    priors = priors_of(training)
    units: list[Unit] = []
    for key in (question_of, _typed, _kinds_of_relation):
        units += _twos(_unused(drawn, units), key, _outcome)
    units += _rings(_unused(drawn, units))
    if training:
        strength = priors[STRENGTH]
        for key in (first_noun, second_noun, _type):
            units += _twos(
                _unused(drawn, units), lambda one, key=key: (key(one), strength(one)), lambda one: one.answer
            )
    return sorted(_accepted(units, max_per_type, list(priors.values())), key=lambda one: one.item_id)


def _unused(asked: Sequence[Asked], units: Sequence[Unit]) -> list[Asked]:
    used = {one.item_id for unit in units for one in unit}
    return [one for one in asked if one.item_id not in used]


def _twos(asked: Sequence[Asked], key: Callable[[Asked], Hashable], sign: Callable[[Asked], bool]) -> list[Unit]:
    """Return units of two that share a key and differ in their sign."""
    groups: dict[Hashable, dict[bool, list[Asked]]] = defaultdict(lambda: {True: [], False: []})
    for one in asked:
        groups[key(one)][sign(one)].append(one)
    return [unit for group in groups.values() for unit in zip(group[True], group[False], strict=False)]


def _outcome(one: Asked) -> bool:
    """Return whether the alphabetically first kind came first; the answer, where none comes first."""
    return winner_and_loser(one)[0] == min(one.kinds) if has_winner(one) else one.answer


def _kinds_of_relation(one: Asked) -> Hashable:
    return (relation_of(one), *sorted(one.kinds)) if one.kinds[0] != one.kinds[1] else question_of(one)


def _type(one: Asked) -> Hashable:
    return one.type_id, one.side


def _typed(one: Asked) -> Hashable:
    return one.type_id, one.side, _kinds_of_relation(one)


def _rings(asked: Sequence[Asked]) -> list[Unit]:
    """Return rings of questions about one relation in which every kind comes first once and second once."""
    relations: dict[str, Edges] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    directed = [one for one in asked if has_winner(one)]
    for one in directed:
        winner, loser = winner_and_loser(one)
        relations[relation_of(one)][winner][loser].append(one)
    units = []
    for one in directed:
        edges = relations[relation_of(one)]
        winner, loser = winner_and_loser(one)
        if one not in edges[winner][loser]:
            continue
        way = _shortest_way(edges, loser, winner)
        if way:
            edges[winner][loser].remove(one)
            units.append((one, *(edges[first][second].pop(0) for first, second in pairwise(way))))
    return units


def _shortest_way(edges: Edges, start: str, end: str) -> list[str]:
    """Return the kinds on the shortest path from one to another that closes a ring, none if all are too long."""
    waiting, seen = deque([[start]]), {start}
    while waiting:
        way = waiting.popleft()
        for kind in sorted(kind for kind, asked in edges[way[-1]].items() if asked and kind not in seen):
            if kind == end:
                return [*way, end]
            seen.add(kind)
            if len(way) < _LONGEST_RING - 1:
                waiting.append([*way, kind])
    return []


class _Counts(NamedTuple):
    """How many are kept of a type, how many more of one answer, and how many more a prior has right."""

    kept: Counter[Hashable]
    yes_less_no: Counter[Hashable]
    right_less_wrong: Counter[Hashable]


def _counted(unit: Unit, priors: Sequence[Prior]) -> _Counts:
    counts = _Counts(Counter(), Counter(), Counter())
    for one in unit:
        counts.kept[one.type_id] += 1
        counts.yes_less_no[one.type_id] += 1 if one.answer else -1
        for place, prior in enumerate(priors):
            said = prior(one)
            if said is not None:
                for name in (one.type_id, relation_of(one)):
                    counts.right_less_wrong[name, place] += 1 if said == one.answer else -1
    return counts


def _accepted(units: Sequence[Unit], max_per_type: int | None, priors: Sequence[Prior]) -> list[Asked]:
    """Return the questions of units that are taken in rounds while the counts stay balanced."""
    so_far = _Counts(Counter(), Counter(), Counter())
    waiting = [(unit, _counted(unit, priors)) for unit in units]
    kept: list[Asked] = []
    while True:
        refused = []
        for unit, added in waiting:
            if _fits(so_far, added, max_per_type):
                kept += unit
                for count, more in zip(so_far, added, strict=True):
                    count.update(more)
            else:
                refused.append((unit, added))
        if len(refused) == len(waiting):
            return kept
        waiting = refused


def _fits(so_far: _Counts, added: _Counts, max_per_type: int | None) -> bool:
    if max_per_type is not None and any(so_far.kept[name] + more > max_per_type for name, more in added.kept.items()):
        return False
    if any(abs(so_far.yes_less_no[name] + more) > _SLACK for name, more in added.yes_less_no.items()):
        return False
    return not any(
        more > 0 and so_far.right_less_wrong[name] + more > _SLACK for name, more in added.right_less_wrong.items()
    )
