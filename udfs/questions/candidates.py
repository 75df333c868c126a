"""Everything that the objects of a scene decide, before any question is drawn."""

import math
from functools import lru_cache
from itertools import combinations

from udfs.language.draws import Draws, seed_of
from udfs.questions.question_type import Family, QuestionType
from udfs.questions.registry import rules, types_of
from udfs.questions.rule import Decided, Need, ObjectRule, PairRule, Rule
from udfs.questions.scene import Gates, Scene
from udfs.questions.settings import SynthesizeSettings

Decisions = dict[Rule, list[Decided]]


def candidates_of(scene: Scene, settings: SynthesizeSettings) -> Decisions:
    """Return what every rule decides; of many pairs, `max_pairs` drawn ones are weighed."""
    decisions: Decisions = {rule: [] for rule in rules()}
    _decide_objects(scene, settings, decisions)
    _decide_pairs(scene, settings, decisions)
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


def _decide_objects(scene: Scene, settings: SynthesizeSettings, decisions: Decisions) -> None:
    gates = scene.gates
    bound = [
        (rule.decide, decisions[rule], Need.AMODAL in rule.needs)
        for rule in _open_rules(gates.gravity, gates.metric, gates.surface is not None)
        if isinstance(rule, ObjectRule)
    ]
    for a in scene.objects:
        for decide, found, sized in bound:
            if sized and not a.size_ok:
                continue
            decided = decide(a, gates, settings)
            if decided is not None:
                found.append(decided)


def _decide_pairs(scene: Scene, settings: SynthesizeSettings, decisions: Decisions) -> None:
    gates, objects, pairs = scene.gates, scene.objects, scene.pairs
    open_rules = [
        (decide, decisions[rule], Need.AMODAL in rule.needs)
        for rule in _open_rules(gates.gravity, gates.metric, gates.surface is not None)
        if isinstance(rule, PairRule)
        for decide in rule.decides
    ]
    all_of = [(decide, found) for decide, found, _ in open_rules]
    unsized = [(decide, found) for decide, found, sized in open_rules if not sized]
    for i, j in _weighed(len(objects), scene.image_id, settings):
        a, b = objects[i], objects[j]
        pair = pairs.get((a.object_id, b.object_id))
        for decide, found in all_of if a.size_ok and b.size_ok else unsized:
            decided = decide(a, b, pair, gates)
            if decided is not None:
                found.append(decided)


@lru_cache(maxsize=8)
def _open_rules(gravity: bool, metric: bool, supported: bool) -> tuple[Rule, ...]:
    closed = {Need.GRAVITY: not gravity, Need.METRIC: not metric, Need.SUPPORT: not supported}
    return tuple(rule for rule in rules() if not any(closed.get(need) for need in rule.needs))


def _weighed(count: int, image_id: str, settings: SynthesizeSettings) -> list[tuple[int, int]]:
    indices = list(combinations(range(count), 2))
    if len(indices) <= settings.max_pairs:
        return indices
    draws = Draws(seed_of(settings.seed, image_id, "pairs"))
    for k in range(settings.max_pairs):
        chosen = k + draws.below(len(indices) - k)
        indices[k], indices[chosen] = indices[chosen], indices[k]
    return sorted(indices[: settings.max_pairs])
