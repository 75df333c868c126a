"""What a relation says of two kinds of things, whichever of its types asks it and in whatever order."""

from collections.abc import Hashable
from typing import NamedTuple

from schemas.question_types import QUESTION_TYPES, AnswerKind

_SYMMETRIC = "Q19"


class Asked(NamedTuple):
    """A question about two things that is answered by yes or no or by one of them.

    `kinds` are the nouns of both in the order of the question, `side` the word that a choice asks for ("left"), empty
    for yes or no; `answer` is whether it is yes, or the thing named first.
    """

    item_id: str
    type_id: str
    side: str
    kinds: tuple[str, str]
    answer: bool


def relation_of(one: Asked) -> int:
    """Return the number of the relation: its types, yes or no both ways round and which of the two, follow on."""
    return (int(one.type_id[1:]) - 1) // 3


def has_winner(one: Asked) -> bool:
    """Return whether one kind comes before another one: not of two of a kind, nor of things close together."""
    return one.type_id != _SYMMETRIC and one.kinds[0] != one.kinds[1]


def winner_and_loser(one: Asked) -> tuple[str, str]:
    """Return the kind that is the more left, high, near, wide, tall or big one, and the other."""
    asked = QUESTION_TYPES[one.type_id]
    if asked.answer_kind == AnswerKind.CHOICE:
        forward = one.side == asked.sides[0]
    else:
        forward = (int(one.type_id[1:]) - 1) % 3 == 0
    first, second = one.kinds
    return (first, second) if one.answer == forward else (second, first)


def question_of(one: Asked) -> Hashable:
    """Return what questions in the same words about the same kinds in the same order share."""
    return one.type_id, one.side, one.kinds
