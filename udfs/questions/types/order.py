"""Orders of three to five objects: from left to right, from near to far, from low to high, from small to large."""

from functools import partial
from itertools import pairwise

from udfs.questions.question_type import AnswerKind, Group, QuestionType, Variant
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


def _orders(related: Related, _: SynthesizeSettings, of: Rule, ways: tuple[str, str]) -> list[Decided]:
    sure, found = related.sure(of), []
    draws = related.draws(f"order {ways[0]}")
    for things in related.shared_choices(_LEAST, _MOST, _DRAWN):
        forward = draws.coin()
        ids = [one.object_id for one in things]
        # Every pair of them is decided, so that the number that each one comes before is its place.
        before = [sum([(one, other) in sure for other in ids]) for one in ids]
        if sorted(before) != list(range(len(things))):
            continue
        places = sorted(range(len(things)), key=lambda k: -before[k] if forward else before[k])
        steps = [sure.get((ids[i], ids[j])) or sure.get((ids[j], ids[i])) for i, j in pairwise(places)]
        closest = min([step for step in steps if step is not None], key=lambda step: step.margin)
        slots = slots_of(len(things))
        words = {"list": listed(slots), "order": listed([slots[k] for k in places])}
        given = Given(words=words, order=tuple([things[k] for k in places]))
        word = ways[0] if forward else ways[1]
        found.append(decided_of(things, closest.margin, closest.threshold, word, given=given))
    return found


_TYPES = (
    ("M03", "order from left to right", LEFT, ("left to right", "right to left"), ()),
    ("M04", "order from near to far", CLOSER, ("near to far", "far to near"), ()),
    ("M05", "order by height", TALLER, ("tall to short", "short to tall"), (Need.AMODAL, Need.GRAVITY)),
    ("M21", "order from low to high", HIGHER, ("high to low", "low to high"), (Need.GRAVITY,)),
    ("M22", "order by volume", BIGGER, ("big to small", "small to big"), (Need.AMODAL, Need.GRAVITY)),
    ("M23", "order by width", WIDER, ("wide to narrow", "narrow to wide"), (Need.AMODAL,)),
)


def _type(type_id: str, name: str, of: Rule, ways: tuple[str, str], needs: tuple[Need, ...]) -> QuestionType:
    rule = SeveralRule(
        name=name,
        needs=needs,
        decide=partial(_orders, of=of, ways=ways),
        compares=f"the rule {of.name} decides for every pair of three to five objects",
        error_is=f"that of {of.name}, for each pair",
    )
    return QuestionType(
        type_id=type_id,
        name=name,
        rule=rule,
        answers_with=AnswerKind.TEXT,
        variants={way: Variant() for way in ways},
        group=Group.FURTHER,
    )


QUESTION_TYPES = tuple(_type(*one) for one in _TYPES)
