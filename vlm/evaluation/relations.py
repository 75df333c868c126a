"""What a question about two objects says about their kinds, whatever its type and order."""

from collections.abc import Hashable
from typing import NamedTuple

from udfs.questions.question_type import AnswerKind
from udfs.questions.registry import question_type


class Asked(NamedTuple):
    """A question about two objects that is answered by yes or no or by one of them.

    `kinds` are the nouns of both in the order of the question, `side` the word that a choice asks
    for ("left"), empty for yes or no; `answer` is whether it is yes, or the object named first.
    """

    item_id: str
    type_id: str
    side: str
    kinds: tuple[str, str]
    answer: bool


def relation_of(one: Asked) -> str:
    """Return the relation, which the types share that ask for it: yes or no either way round, or which of the two."""
    return question_type(one.type_id).relation


def has_winner(one: Asked) -> bool:
    """Return whether one kind comes before another: not for two of one kind, nor in a symmetric relation."""
    return not question_type(one.type_id).is_symmetric and one.kinds[0] != one.kinds[1]


def winner_and_loser(one: Asked) -> tuple[str, str]:
    """Return the kind that is further left, higher, nearer, wider, taller or bigger, and the other."""
    kind = question_type(one.type_id)
    forward = one.side == kind.sides[0] if kind.answer_kind == AnswerKind.CHOICE else kind.of_first
    first, second = one.kinds
    return (first, second) if one.answer == forward else (second, first)


def question_of(one: Asked) -> Hashable:
    """Return the key shared by questions in the same words about the same kinds in the same order."""
    return one.type_id, one.side, one.kinds
