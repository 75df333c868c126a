"""How many of several objects, and which of them, are where the question says with respect to another one."""

from udfs.questions.question_type import AnswerKind, Group, QuestionType, Variant
from udfs.questions.related import Related, decided_of, listed, slots_of
from udfs.questions.rule import Decided, Given, Need, Rule, SeveralRule
from udfs.questions.seen_object import SeenObject
from udfs.questions.settings import SynthesizeSettings
from udfs.questions.types.closer import CLOSER
from udfs.questions.types.higher import HIGHER
from udfs.questions.types.sideways import LEFT
from udfs.questions.types.taller import TALLER
from udfs.questions.types.wider import WIDER
from udfs.questions.unit import COUNT

_DRAWN = 16
# by word: the rule, whether the object is its first one, and what is said of the object
_RELATIONS: dict[str, tuple[Rule, bool, str]] = {
    "left": (LEFT, True, "to the left of {A} as seen from the camera"),
    "right": (LEFT, False, "to the right of {A} as seen from the camera"),
    "closer": (CLOSER, True, "closer to the camera than {A}"),
    "farther": (CLOSER, False, "farther from the camera than {A}"),
    "higher": (HIGHER, True, "higher up than {A}"),
    "lower": (HIGHER, False, "lower down than {A}"),
    "taller": (TALLER, True, "taller than {A}"),
    "shorter": (TALLER, False, "shorter in height than {A}"),
    "wider": (WIDER, True, "wider than {A} from left to right"),
    "narrower": (WIDER, False, "narrower than {A} from left to right"),
}
_OPPOSITE = {"left": "right", "closer": "farther", "higher": "lower", "taller": "shorter", "wider": "narrower"}
_AXES = tuple(_OPPOSITE)


def _holds(related: Related, word: str, thing: SeenObject, a: SeenObject) -> bool | None:
    """Return whether a relation holds of a thing and A, None where that is not certain."""
    rule, first, _ = _RELATIONS[word]
    sure = related.sure(rule)
    one, other = (thing.object_id, a.object_id) if first else (a.object_id, thing.object_id)
    return True if (one, other) in sure else False if (other, one) in sure else None


def _counts(related: Related, _: SynthesizeSettings) -> list[Decided]:
    found, draws = [], related.draws("count")
    for axis in _AXES:
        for things in related.choices(draws, 4, 6, _DRAWN // 2):
            a, *others = things
            word = axis if draws.coin() else _OPPOSITE[axis]
            held = [_holds(related, word, one, a) for one in others]
            if None in held:
                continue
            slots = slots_of(len(things), 1)
            words = {"list": listed(slots), "where": _RELATIONS[word][2]}
            order = tuple([one for one, holds in zip(others, held, strict=True) if holds])
            given = Given(words=words, fact=f"{a.object_id} {axis}", sigma_m=0.0, order=order)
            found.append(decided_of(things, float(sum(map(bool, held))), 0.0, word, given))
    return found


def _both(related: Related, _: SynthesizeSettings) -> list[Decided]:
    found, draws = [], related.draws("both")
    for _number in range(3):
        for things in related.choices(draws, 4, 5, _DRAWN):
            a, *others = things
            first, second = _axes(draws.below(len(_AXES)), draws.below(len(_AXES) - 1))
            words = [axis if draws.coin() else _OPPOSITE[axis] for axis in (first, second)]
            held = [[_holds(related, word, one, a) for word in words] for one in others]
            satisfying = [one for one, both in zip(others, held, strict=True) if both == [True, True]]
            if len(satisfying) != 1 or any(None in both and False not in both for both in held):
                continue
            slots = slots_of(len(things), 1)
            said = " and ".join(_RELATIONS[word][2] for word in words)
            given = Given(
                words={"list": listed(slots), "either": listed(slots, "or"), "where": said},
                chosen=satisfying[0],
                options=tuple(others),
                fact=f"{a.object_id} {first} {second}",
            )
            found.append(decided_of(things, 1.0, 1.0, " and ".join(words), given=given))
    return found


def _axes(one: int, other: int) -> tuple[str, str]:
    """Return two different axes in their order."""
    two = other + (other >= one)
    return _AXES[min(one, two)], _AXES[max(one, two)]


_ERROR_IS = "those of the relations"
COUNT_WHERE = SeveralRule(
    name="count where",
    needs=(),
    decide=_counts,
    things=4,
    compares="number of the listed objects of which a relation to A holds",
    check="the relation, or its opposite, is decided for each of them",
    error_is=_ERROR_IS,
)
BOTH = SeveralRule(
    name="two conditions",
    needs=(),
    decide=_both,
    things=4,
    compares="the only one of the listed objects of which two relations to A hold",
    check="of each other one, the opposite of one of the two is decided",
    error_is=_ERROR_IS,
)
_SIZED = {"taller": (Need.AMODAL, Need.GRAVITY), "wider": (Need.AMODAL,), "higher": (Need.GRAVITY,)}
_NEEDS = {word: _SIZED.get(axis, ()) for axis, other in _OPPOSITE.items() for word in (axis, other)}
_PAIRS = [(one, two) for k, one in enumerate(_AXES) for two in _AXES[k + 1 :]]
_WORDS = {
    f"{one} and {two}": tuple(need for need in Need if need in (*_NEEDS[one], *_NEEDS[two]))
    for first, second in _PAIRS
    for one in (first, _OPPOSITE[first])
    for two in (second, _OPPOSITE[second])
}

QUESTION_TYPES = (
    QuestionType(
        type_id="M06",
        name="how many are where",
        rule=COUNT_WHERE,
        unit=COUNT,
        variants={word: Variant(needs=needs or None) for word, needs in _NEEDS.items()},
        max_error=lambda *_: 0.0,
        group=Group.FURTHER,
    ),
    QuestionType(
        type_id="M08",
        name="which meets two conditions",
        rule=BOTH,
        answers_with=AnswerKind.CHOICE,
        variants={words: Variant(needs=needs or None) for words, needs in _WORDS.items()},
        group=Group.FURTHER,
    ),
)
