"""Reference lengths: how tall or wide a thing is if another one is as tall or wide as the question says."""

import math
from functools import partial

from udfs.language.quantity import say_compared
from udfs.questions.comparing import stated_error
from udfs.questions.question_type import Group, QuestionType
from udfs.questions.related import Related, decided_of
from udfs.questions.rule import Decided, Given, Need, Rule, SeveralRule
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.types.extent import HEIGHT, WIDTH
from udfs.questions.unit import METERS

_DRAWN = 16
_MIN_M, _MAX_RATIO = 0.05, 5.0


def _scaled(related: Related, settings: SynthesizeSettings, of: Rule) -> list[Decided]:
    numbers, found = related.numbers(of), []
    sized = [one for one in related.objects if (one.object_id, one.object_id) in numbers]
    for a, b in related.choices(related.draws(f"scaled {of.name}"), 2, 2, _DRAWN, sized):
        (known, known_sigma), (wanted, wanted_sigma) = (numbers[one.object_id, one.object_id] for one in (a, b))
        stated_m = round(known.margin, 2 if known.margin < 1 else 1)
        ratio = wanted.margin / known.margin
        if stated_m < _MIN_M or not 1 / _MAX_RATIO <= ratio <= _MAX_RATIO:
            continue
        value_m = ratio * stated_m
        sigma_m = value_m * math.hypot(known_sigma / known.margin, wanted_sigma / wanted.margin)
        said = say_compared(stated_m, settings.lengths == "meters")
        given = Given(asked_m=stated_m, words={"stated": said}, sigma_m=sigma_m, fact=str(a.object_id))
        found.append(decided_of((a, b), value_m, _MIN_M, given=given))
    return found


def _type(type_id: str, name: str, of: Rule, needs: tuple[Need, ...]) -> QuestionType:
    rule = SeveralRule(
        name=name,
        needs=needs,
        decide=partial(_scaled, of=of),
        things=2,
        error=stated_error,
        compares=f"the stated length of A times {of.name} of B / {of.name} of A, a ratio of 1/5 to 5",
        error_is=f"the relative errors of the rule {of.name}",
    )
    return QuestionType(type_id=type_id, name=name, rule=rule, unit=METERS, keeps_order=True, group=Group.FURTHER)


QUESTION_TYPES = (
    _type("M13", "height by a known height", HEIGHT, (Need.AMODAL, Need.METRIC, Need.GRAVITY)),
    _type("M25", "width by a known width", WIDTH, (Need.AMODAL, Need.METRIC)),
)
