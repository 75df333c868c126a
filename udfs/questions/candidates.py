"""Everything that the objects of a scene decide, before any question is drawn."""

import math
from itertools import combinations

from schemas.question_types import QUESTION_TYPES, Need
from udfs.language.draws import Draws, seed_of
from udfs.questions.decisions import MEASURED_BY, Decided, Decisions, no_decisions
from udfs.questions.measures import AHEAD_RAD, measure_object, measure_pair
from udfs.questions.relations import relate
from udfs.questions.scene import Gates, Scene
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import own_error, relation_error, whole_error

_METRIC = frozenset(t for t in MEASURED_BY if Need.METRIC in QUESTION_TYPES[t].needs)


def candidates_of(scene: Scene, settings: SynthesizeSettings) -> Decisions:
    """Return what the objects of a scene decide; of many pairs, `max_pairs` drawn ones are weighed."""
    out, gates = no_decisions(), scene.gates
    objects, pairs = scene.objects, scene.pairs
    for a in objects:
        measure_object(a, gates, settings.max_rest_sigma_m, out)
    for i, j in _weighed(len(objects), scene.image_id, settings):
        a, b = objects[i], objects[j]
        pair = pairs.get((a.object_id, b.object_id))
        relate(a, b, pair, gates, out)
        if gates.metric:
            measure_pair(a, b, pair, gates, out)
    return out


def open_numbers(decisions: Decisions, gates: Gates) -> list[str]:
    """Return the quantitative types that have something to ask about."""
    return [t for t, name in MEASURED_BY.items() if decisions[name] and (gates.metric or t not in _METRIC)]


def error_of(type_id: str, decided: Decided, gates: Gates, max_relative_sigma: float) -> float | None:
    """Return the standard error of a number, None where the number's own part spoils it.

    The scale that all share has its gate already. A direction may be off by 5 degrees; that something rests on its
    support was weighed when it was decided.
    """
    own = own_error(type_id, decided, gates)
    if decided.word == "rests":
        allowed = math.inf
    else:
        allowed = AHEAD_RAD if type_id == "N17" else max_relative_sigma * decided.margin
    return whole_error(type_id, decided, own, gates) if own <= allowed else None


def sure_of(name: str, decided: Decided, gates: Gates, sigmas: float) -> Decided | None:
    """Return a relation that holds by so many standard errors, with that as its threshold where it is the larger.

    Closeness is measured by what parts it from its limit, which stays.
    """
    least = sigmas * relation_error(name, decided, gates.gravity_sigma_rad)
    if name in ("near", "far"):
        return decided if least <= abs(decided.threshold - decided.margin) else None
    if not least <= decided.margin:
        return None
    return decided if least <= decided.threshold else decided._replace(threshold=least)


def _weighed(count: int, image_id: str, settings: SynthesizeSettings) -> list[tuple[int, int]]:
    indices = list(combinations(range(count), 2))
    if len(indices) <= settings.max_pairs:
        return indices
    draws = Draws(seed_of(settings.seed, image_id, "pairs"))
    for k in range(settings.max_pairs):
        chosen = k + draws.below(len(indices) - k)
        indices[k], indices[chosen] = indices[chosen], indices[k]
    return sorted(indices[: settings.max_pairs])
