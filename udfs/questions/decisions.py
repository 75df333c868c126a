"""What a scene decides, before any question is drawn: relations and numbers, one list each."""

from typing import NamedTuple

from udfs.questions.scene import SeenObject


class Decided(NamedTuple):
    """One decided relation or number.

    `first` is the one more to the left, higher, nearer, wider, taller, bigger; numbers of one object have no `second`.
    `margin` is what reached (or, for near, resting and straight ahead, stayed below) `threshold`; of a number it is the
    value. `word` tells the kinds of a number apart: gap, centre, taller, wider, rests, ahead, left, right.
    """

    first: SeenObject
    second: SeenObject | None
    margin: float
    threshold: float
    word: str = "value"


# The list that decides each yes/no and choice type, and whether the predicate is true of the list's first object.
RELATED_BY = {
    "Q01": ("left", True),
    "Q02": ("left", False),
    "Q03": ("left", True),
    "Q04": ("higher", True),
    "Q05": ("higher", False),
    "Q06": ("higher", True),
    "Q07": ("nearer", True),
    "Q08": ("nearer", False),
    "Q09": ("closer", True),
    "Q10": ("wider", True),
    "Q11": ("wider", False),
    "Q12": ("wider", True),
    "Q13": ("taller", True),
    "Q14": ("taller", False),
    "Q15": ("taller", True),
    "Q16": ("bigger", True),
    "Q17": ("bigger", False),
    "Q18": ("bigger", True),
}

# The list that holds each number. A number with a side is a relation's own margin.
MEASURED_BY = {
    "N01": "gap",
    "N02": "centre",
    "N03": "level",
    "N04": "vertical",
    "N05": "sideways",
    "N06": "nearer",
    "N07": "higher",
    "N08": "width",
    "N09": "height",
    "N10": "length",
    "N11": "wider",
    "N12": "taller",
    "N13": "range",
    "N14": "closer",
    "N15": "bottom",
    "N16": "top",
    "N17": "direction",
    "N18": "ratio",
    "N19": "clearance",
}

_LISTS = {name for name, _ in RELATED_BY.values()} | set(MEASURED_BY.values()) | {"near", "far"}

Decisions = dict[str, list[Decided]]


def no_decisions() -> Decisions:
    """Return an empty list under every name."""
    return {name: [] for name in _LISTS}
