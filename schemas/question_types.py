"""The 38 core question types: what each asks, what it needs, and how it is answered."""

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """The two halves of the table."""

    QUALITATIVE = "qualitative"
    QUANTITATIVE = "quantitative"


class AnswerKind(StrEnum):
    """What kind of answer a type has."""

    BOOL = "bool"
    CHOICE = "choice"
    NUMBER = "number"


class Need(StrEnum):
    """What a photograph or an object must bring for a type to be asked."""

    GRAVITY = "G"
    SUPPORT = "F"
    METRIC = "M"
    AMODAL = "Am"


@dataclass(frozen=True)
class QuestionType:
    """One row of the definitions.

    `objects` counts the objects asked about. `sides` holds the words that are drawn (choice) or answered (number); the
    first word is true of the object that comes first in the relation: left, higher, nearer, wider, taller, bigger.
    """

    type_id: str
    name: str
    answer_kind: AnswerKind
    needs: tuple[Need, ...]
    objects: int = 2
    sides: tuple[str, ...] = ()
    unit_si: str | None = None
    distance_kind: str | None = None

    @property
    def family(self) -> Family:
        """Return which half of the table the type is in."""
        return Family.QUANTITATIVE if self.answer_kind == AnswerKind.NUMBER else Family.QUALITATIVE


_G, _F, _M, _AM = Need.GRAVITY, Need.SUPPORT, Need.METRIC, Need.AMODAL
_BOOL, _CHOICE = AnswerKind.BOOL, AnswerKind.CHOICE
_LEFT_RIGHT = ("left", "right")
_HIGHER_LOWER = ("higher", "lower")
_WIDER_NARROWER = ("wider", "narrower")
_TALLER_SHORTER = ("taller", "shorter")


@dataclass(frozen=True)
class _Asks:
    """How a number differs from a length between two objects without a side."""

    objects: int = 2
    sides: tuple[str, ...] = ()
    kind: str | None = None
    unit: str = "m"


def _number(type_id: str, name: str, needs: tuple[Need, ...], asks: _Asks) -> QuestionType:
    return QuestionType(type_id, name, AnswerKind.NUMBER, needs, asks.objects, asks.sides, asks.unit, asks.kind)


QUESTION_TYPES: dict[str, QuestionType] = {
    kind.type_id: kind
    for kind in (
        QuestionType("Q01", "left of", _BOOL, ()),
        QuestionType("Q02", "right of", _BOOL, ()),
        QuestionType("Q03", "further left or right", _CHOICE, (), sides=_LEFT_RIGHT),
        QuestionType("Q04", "above", _BOOL, (_G,)),
        QuestionType("Q05", "below", _BOOL, (_G,)),
        QuestionType("Q06", "higher or lower", _CHOICE, (_G,), sides=_HIGHER_LOWER),
        QuestionType("Q07", "in front of", _BOOL, ()),
        QuestionType("Q08", "behind", _BOOL, ()),
        QuestionType("Q09", "closer or farther", _CHOICE, (), sides=("closer", "farther")),
        QuestionType("Q10", "wider than", _BOOL, (_AM,)),
        QuestionType("Q11", "narrower than", _BOOL, (_AM,)),
        QuestionType("Q12", "wider or narrower", _CHOICE, (_AM,), sides=_WIDER_NARROWER),
        QuestionType("Q13", "taller than", _BOOL, (_AM, _G)),
        QuestionType("Q14", "shorter than", _BOOL, (_AM, _G)),
        QuestionType("Q15", "taller or shorter", _CHOICE, (_AM, _G), sides=_TALLER_SHORTER),
        QuestionType("Q16", "bigger than", _BOOL, (_AM, _G)),
        QuestionType("Q17", "smaller than", _BOOL, (_AM, _G)),
        QuestionType("Q18", "bigger or smaller", _CHOICE, (_AM, _G), sides=("bigger", "smaller")),
        QuestionType("Q19", "close together", _BOOL, (_M,)),
        _number("N01", "distance between closest points", (_M,), _Asks(kind="gap")),
        _number("N02", "distance centre to centre", (_M,), _Asks(kind="centre")),
        _number("N03", "horizontal distance", (_M, _G), _Asks(kind="horizontal")),
        _number("N04", "vertical distance", (_M, _G), _Asks(kind="vertical")),
        _number("N05", "how far left or right", (_M,), _Asks(sides=_LEFT_RIGHT)),
        _number("N06", "how far in front or behind", (_M,), _Asks(sides=("front", "behind"))),
        _number("N07", "how much higher or lower", (_M, _G), _Asks(sides=_HIGHER_LOWER, kind="vertical")),
        _number("N08", "width", (_AM, _M), _Asks(objects=1)),
        _number("N09", "height", (_AM, _M, _G), _Asks(objects=1)),
        _number("N10", "front-to-back length", (_AM, _M, _G), _Asks(objects=1)),
        _number("N11", "how much wider", (_AM, _M), _Asks(sides=_WIDER_NARROWER)),
        _number("N12", "how much taller", (_AM, _M, _G), _Asks(sides=_TALLER_SHORTER)),
        _number("N13", "distance from the camera", (_M,), _Asks(objects=1, kind="range")),
        _number("N14", "how much farther from the camera", (_M,), _Asks(sides=("closer", "farther"), kind="range")),
        _number("N15", "height of the bottom above the support", (_M, _G, _F), _Asks(objects=1, kind="vertical")),
        _number("N16", "height of the top above the support", (_M, _G, _F), _Asks(objects=1, kind="vertical")),
        _number("N17", "direction from the camera", (), _Asks(objects=1, sides=_LEFT_RIGHT, unit="rad")),
        _number("N18", "how many times taller or wider", (_AM,), _Asks(sides=("taller", "wider"), unit="ratio")),
        _number("N19", "horizontal clearance", (_M, _G), _Asks(kind="clearance")),
    )
}

QuestionTypeId = StrEnum("QuestionTypeId", {type_id: type_id for type_id in QUESTION_TYPES})
