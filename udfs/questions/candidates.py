"""Everything that the objects of a scene decide, before any question is drawn."""

import math
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from udfs.language.draws import Draws, seed_of
from udfs.questions.question_type import Family, Group, QuestionType
from udfs.questions.registry import rules, types_of
from udfs.questions.related import Related
from udfs.questions.rule import Decided, DerivedRule, Need, ObjectRule, PairRule, Rule, SceneRule, SeveralRule
from udfs.questions.scene import Gates, Scene
from udfs.questions.settings import SynthesizeSettings

Decisions = dict[Rule, list[Decided]]


class _OpenRules(NamedTuple):
    of_object: list[ObjectRule]
    of_pair: list[PairRule]
    derived: list[DerivedRule]


def candidates_of(scene: Scene, settings: SynthesizeSettings) -> Decisions:
    """Return what every rule decides; of many pairs, `max_pairs` drawn ones are weighed."""
    gates, objects = scene.gates, scene.objects
    pairs = [
        (objects[i], objects[j], scene.pairs.get((objects[i].object_id, objects[j].object_id)))
        for i, j in _weighed(len(objects), scene.image_id, settings)
    ]
    sized_objects = [a for a in objects if a.size_ok]
    sized_pairs = [pair for pair in pairs if pair[0].size_ok and pair[1].size_ok]
    decisions: Decisions = {rule: [] for rule in rules(Group.CORE)}
    # One comprehension per rule: a loop over the rules of each pair takes 1.4 times as long.
    opened = _open_rules(gates.gravity, gates.metric, gates.surface is not None)
    for rule in opened.of_object:
        decide, asked = rule.decide, sized_objects if rule.is_sized else objects
        decisions[rule] = [found for a in asked if (found := decide(a, gates, settings)) is not None]
    for rule in opened.of_pair:
        decide, asked = rule.decide, sized_pairs if rule.is_sized else pairs
        decisions[rule] = [found for a, b, pair in asked if (found := decide(a, b, pair, gates)) is not None]
    for rule in opened.derived:
        decisions[rule] = _derived(rule, decisions)
    return decisions


def affordances_of(scene: Scene, settings: SynthesizeSettings) -> Decisions:
    """Return what every rule of the group `affordance` decides about a scene with its layout."""
    gates = scene.gates
    closed = _closed(gates.gravity, gates.metric, gates.surface is not None)
    decisions: Decisions = {}
    for rule in rules(Group.AFFORDANCE):
        decisions[rule] = []
        if isinstance(rule, SceneRule) and not any(closed.get(need) for need in rule.needs):
            decisions[rule] = rule.decide(scene, settings)
    return decisions


def further_of(scene: Scene, decisions: Decisions, settings: SynthesizeSettings) -> Decisions:
    """Return what every rule of the group `further` decides, given what `candidates_of` decides."""
    gates = scene.gates
    closed = _closed(gates.gravity, gates.metric, gates.surface is not None)
    related = Related(scene, decisions, settings)
    return {
        rule: []
        if any(closed.get(need) for need in rule.needs) or not isinstance(rule, SeveralRule)
        else rule.decide(related, settings)
        for rule in rules(Group.FURTHER)
    }


def key_of(decided: Decided) -> tuple[int, int]:
    """Return the ids of a decision's objects, the smaller first; one object counts as a pair of itself."""
    a, b = decided[0], decided[1]
    first = a.object_id
    second = first if b is None else b.object_id
    return (first, second) if first <= second else (second, first)


def open_numbers(decisions: Decisions, gates: Gates, group: Group = Group.CORE) -> list[QuestionType]:
    """Return the quantitative types of a group that have something to ask about."""
    return [kind for kind in types_of(Family.QUANTITATIVE, group) if decisions[kind.rule] and kind.is_open(gates)]


def error_of(kind: QuestionType, decided: Decided, gates: Gates, max_relative_sigma: float) -> float | None:
    """Return the standard error of a number, None where the number's own part of it is too large.

    The scale error that all objects share has a gate of its own.
    """
    own = kind.rule.error(decided, gates)
    if not own <= kind.max_error(decided, max_relative_sigma):
        return None
    power = kind.unit.scale_power if kind.unit else 0
    return math.hypot(own, power * gates.scale_sigma_rel * decided.margin) if power else own


def _derived(rule: DerivedRule, decisions: Decisions) -> list[Decided]:
    derived = [
        found
        for source, derive in rule.derive.items()
        for decided in decisions[source]
        if (found := derive(decided)) is not None
    ]
    # Pair by pair, as every other rule decides.
    return sorted(derived, key=key_of) if len(rule.derive) > 1 else derived


@lru_cache(maxsize=8)
def _open_rules(gravity: bool, metric: bool, supported: bool) -> _OpenRules:
    closed = _closed(gravity, metric, supported)
    opened = [rule for rule in rules(Group.CORE) if not any(closed.get(need) for need in rule.needs)]
    return _OpenRules(
        [rule for rule in opened if isinstance(rule, ObjectRule)],
        [rule for rule in opened if isinstance(rule, PairRule)],
        [rule for rule in opened if isinstance(rule, DerivedRule)],
    )


def _closed(gravity: bool, metric: bool, supported: bool) -> dict[Need, bool]:
    return {Need.GRAVITY: not gravity, Need.METRIC: not metric, Need.SUPPORT: not supported}


def _weighed(count: int, image_id: str, settings: SynthesizeSettings) -> list[tuple[int, int]]:
    indices = list(combinations(range(count), 2))
    if len(indices) <= settings.max_pairs:
        return indices
    draws = Draws(seed_of(settings.seed, image_id, "pairs"))
    for k in range(settings.max_pairs):
        chosen = k + draws.below(len(indices) - k)
        indices[k], indices[chosen] = indices[chosen], indices[k]
    return sorted(indices[: settings.max_pairs])
