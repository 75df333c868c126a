"""Nearest and farthest: which of three or four objects is closest to another one, or farthest from it."""

import math
from functools import partial

from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.related import Related, decided_of, listed, slots_of
from udfs.questions.rule import Decided, Given, Need, SeveralRule
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.uncertainty import surface_distance_error

_DRAWN = 14
_MIN_APART_M, _MIN_APART_REL = 0.10, 0.15


def _extremes(related: Related, settings: SynthesizeSettings, nearest: bool) -> list[Decided]:
    found = []
    for things in related.choices(related.draws(f"nearest {nearest}"), 4, 5, _DRAWN):
        a, *others = things
        best, margin = _extreme(related, a, others, nearest, settings.sure_sigmas)
        if best is not None:
            slots = slots_of(len(things), 1)
            words = {"list": listed(slots), "either": listed(slots, "or")}
            given = Given(words=words, chosen=best, options=tuple(others), fact=str(a.object_id))
            found.append(decided_of(things, margin, _MIN_APART_M, given=given))
    return found


def _extreme(
    related: Related, a: SeenObject, others: list[SeenObject], nearest: bool, sigmas: float
) -> tuple[SeenObject | None, float]:
    """Return the object that is surely closest to A, or farthest, and by how much, m."""
    far = []
    for b in others:
        pair = related.pair(a, b)
        if pair is None or not pair.gap_m >= 0 or (pair.masks_adjacent and max(a.sigma_m, b.sigma_m) > pair.gap_m):
            return None, 0.0
        sigma = surface_distance_error(a, b, a.m_z - b.m_z)
        between_m = math.dist((a.m_x, a.m_y, a.m_z), (b.m_x, b.m_y, b.m_z))
        far.append((pair.gap_m, sigma, between_m, b))
    best = min(far, key=lambda one: one[0]) if nearest else max(far, key=lambda one: one[0])
    margins = []
    for other in far:
        if other is best:
            continue
        apart_m = abs(other[0] - best[0])
        enough_m = max(_MIN_APART_M, _MIN_APART_REL * max(other[0], best[0]), sigmas * math.hypot(other[1], best[1]))
        if not apart_m >= enough_m or (other[2] > best[2]) != nearest:
            return None, 0.0
        margins.append(apart_m)
    return best[3], min(margins)


def _type(type_id: str, name: str, nearest: bool) -> QuestionType:
    rule = SeveralRule(
        name="nearest of several" if nearest else "farthest of several",
        needs=(Need.METRIC,),
        decide=partial(_extremes, nearest=nearest),
        things=4,
        compares=f"D_gap of A and one of three or four objects is the {'smallest' if nearest else 'largest'}, by 0.10 "
        "m and 15 % of the larger one",
        check="the centers are in the same order",
        error_is="those of both distances between closest points",
    )
    return QuestionType(
        type_id=type_id,
        name=name,
        rule=rule,
        answers_with=AnswerKind.CHOICE,
        group=Group.FURTHER,
    )


QUESTION_TYPES = (
    _type("M01", "closest to a thing", True),
    _type("M02", "farthest from a thing", False),
)
