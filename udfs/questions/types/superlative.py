"""Superlatives: which of three to five objects is farthest left, closest, highest, tallest, widest or biggest."""

from functools import partial

from udfs.questions.question_type import AnswerKind, Group, QuestionType
from udfs.questions.related import Related, decided_of, listed, slots_of
from udfs.questions.rule import Decided, Given, Need, Rule, SeveralRule
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.types.bigger import BIGGER
from udfs.questions.types.closer import CLOSER
from udfs.questions.types.higher import HIGHER
from udfs.questions.types.sideways import LEFT
from udfs.questions.types.taller import TALLER
from udfs.questions.types.wider import WIDER

_LEAST, _MOST, _DRAWN = 3, 5, 12


def _superlatives(related: Related, _: SynthesizeSettings, of: Rule, sides: tuple[str, str]) -> list[Decided]:
    sure, found = related.sure(of), []
    for things in related.shared_choices(_LEAST, _MOST, _DRAWN):
        ids, others = [one.object_id for one in things], len(things) - 1
        for chosen in things:
            one = chosen.object_id
            for side in sides:
                over = [(one, other) if side == sides[0] else (other, one) for other in ids if other != one]
                if over[0] in sure and sum([pair in sure for pair in over]) == others:
                    closest = min([sure[pair] for pair in over], key=_margin)
                    slots = slots_of(len(things))
                    words = {"list": listed(slots), "either": listed(slots, "or")}
                    given = Given(words=words, chosen=chosen, options=things, fact=side)
                    found.append(decided_of(things, closest.margin, closest.threshold, side, given))
    return found


def _margin(decided: Decided) -> float:
    return decided.margin


_TYPES = (
    ("M15", "closest to or farthest from the camera", CLOSER, ("closest", "farthest"), ()),
    ("M16", "furthest left or right of several", LEFT, ("leftmost", "rightmost"), ()),
    ("M17", "highest or lowest of several", HIGHER, ("highest", "lowest"), (Need.GRAVITY,)),
    ("M18", "tallest or shortest of several", TALLER, ("tallest", "shortest"), (Need.AMODAL, Need.GRAVITY)),
    ("M19", "widest or narrowest of several", WIDER, ("widest", "narrowest"), (Need.AMODAL,)),
    ("M20", "biggest or smallest of several", BIGGER, ("biggest", "smallest"), (Need.AMODAL, Need.GRAVITY)),
)


def _type(type_id: str, name: str, of: Rule, sides: tuple[str, str], needs: tuple[Need, ...]) -> QuestionType:
    rule = SeveralRule(
        name=f"{sides[0]} of several",
        needs=needs,
        decide=partial(_superlatives, of=of, sides=sides),
        compares=f"the rule {of.name} decides for one of three to five objects against every other of them",
        error_is=f"that of {of.name}, for each pair",
    )
    return QuestionType(
        type_id=type_id,
        name=name,
        rule=rule,
        sides=sides,
        answers_with=AnswerKind.CHOICE,
        is_mirrored=of is LEFT,
        group=Group.FURTHER,
    )


QUESTION_TYPES = tuple(_type(*one) for one in _TYPES)
