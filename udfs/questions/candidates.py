"""Everything that the objects of a scene decide, before any question is drawn."""

import math
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from udfs.language.draws import Draws, seed_of
from udfs.questions.question_type import Family, QuestionType
from udfs.questions.registry import rules, types_of
from udfs.questions.rule import Decided, DecideObject, DecidePair, Derive, DerivedRule, Need, ObjectRule, PairRule, Rule
from udfs.questions.scene import Gates, Scene
from udfs.questions.settings import SynthesizeSettings

Decisions = dict[Rule, list[Decided]]


class _Bound(NamedTuple):
    """What decides about one object and about two, each with the list that takes what it decides."""

    of_object: list[tuple[DecideObject, list[Decided]]]
    of_pair: list[tuple[DecidePair, list[Decided], list[tuple[Derive, list[Decided]]]]]


def candidates_of(scene: Scene, settings: SynthesizeSettings) -> Decisions:
    """Return what every rule decides; of many pairs, `max_pairs` drawn ones are weighed."""
    gates, objects, pairs = scene.gates, scene.objects, scene.pairs
    decisions: Decisions = {rule: [] for rule in rules()}
    sized, unsized = (_bound(gates, amodal, decisions) for amodal in (True, False))
    for a in objects:
        for decide, found in sized.of_object if a.size_ok else unsized.of_object:
            decided = decide(a, gates, settings)
            if decided is not None:
                found.append(decided)
    for i, j in _weighed(len(objects), scene.image_id, settings):
        a, b = objects[i], objects[j]
        pair = pairs.get((a.object_id, b.object_id))
        for decide, found, derived in sized.of_pair if a.size_ok and b.size_ok else unsized.of_pair:
            decided = decide(a, b, pair, gates)
            if decided is not None:
                found.append(decided)
                for derive, also_found in derived:
                    further = derive(decided)
                    if further is not None:
                        also_found.append(further)
    return decisions


def open_numbers(decisions: Decisions, gates: Gates) -> list[QuestionType]:
    """Return the quantitative types that have something to ask about."""
    return [kind for kind in types_of(Family.QUANTITATIVE) if decisions[kind.rule] and kind.is_open(gates)]


def error_of(kind: QuestionType, decided: Decided, gates: Gates, max_relative_sigma: float) -> float | None:
    """Return the standard error of a number, None where the number's own part of it is too large.

    The scale error that all objects share has a gate of its own.
    """
    own = kind.rule.error(decided, gates)
    if not own <= kind.max_error(decided, max_relative_sigma):
        return None
    power = kind.unit.scale_power if kind.unit else 0
    return math.hypot(own, power * gates.scale_sigma_rel * decided.margin) if power else own


def sure_of(rule: Rule, decided: Decided, gates: Gates, sigmas: float) -> Decided | None:
    """Return a relation that holds by so many standard errors, with that as its threshold where it is larger."""
    min_margin = sigmas * rule.error(decided, gates)
    if rule.keeps_threshold:
        return decided if min_margin <= abs(decided.threshold - decided.margin) else None
    if not min_margin <= decided.margin:
        return None
    return decided if min_margin <= decided.threshold else decided._replace(threshold=min_margin)


def _bound(gates: Gates, amodal: bool, decisions: Decisions) -> _Bound:
    """Return the rules that are open, each with the list that takes what it decides."""
    of_object, of_pair = _open_rules(gates.gravity, gates.metric, gates.surface is not None, amodal)
    return _Bound(
        [(rule.decide, decisions[rule]) for rule in of_object],
        [
            (rule.decide, decisions[rule], [(derive, decisions[narrower]) for narrower, derive in derived])
            for rule, derived in of_pair
        ],
    )


@lru_cache(maxsize=16)
def _open_rules(
    gravity: bool, metric: bool, supported: bool, amodal: bool
) -> tuple[list[ObjectRule], list[tuple[PairRule, list[tuple[Rule, Derive]]]]]:
    """Return the open rules about one object and about two, these with the open rules that derive from them."""
    given = {Need.GRAVITY: gravity, Need.METRIC: metric, Need.SUPPORT: supported, Need.AMODAL: amodal}
    of_all = [rule for rule in rules() if all(given[need] for need in rule.needs)]
    derived = [rule for rule in of_all if isinstance(rule, DerivedRule)]
    of_pair = [
        (rule, [(narrower, narrower.derive[rule]) for narrower in derived if rule in narrower.derive])
        for rule in of_all
        if isinstance(rule, PairRule)
    ]
    return [rule for rule in of_all if isinstance(rule, ObjectRule)], of_pair


def _weighed(count: int, image_id: str, settings: SynthesizeSettings) -> list[tuple[int, int]]:
    indices = list(combinations(range(count), 2))
    if len(indices) <= settings.max_pairs:
        return indices
    draws = Draws(seed_of(settings.seed, image_id, "pairs"))
    for k in range(settings.max_pairs):
        chosen = k + draws.below(len(indices) - k)
        indices[k], indices[chosen] = indices[chosen], indices[k]
    return sorted(indices[: settings.max_pairs])
