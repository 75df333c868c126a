"""Left and right, above and below, in front and behind, closer and farther."""

from scenes.truth.measure import ExactObject
from scenes.truth.verdict import choice, difference, number, yes_no


def _left(o: ExactObject) -> float:
    return float(o.center[1])


def _up(o: ExactObject) -> float:
    return float(o.center[2])


def _depth(o: ExactObject) -> float:
    return o.depth


def _range(o: ExactObject) -> float:
    return o.range


ORACLES = {
    "Q01": yes_no(_left, True),
    "Q02": yes_no(_left, False),
    "Q03": choice(_left, "left", "right"),
    "N05": difference(_left, "left", "right"),
    "Q04": yes_no(_up, True),
    "Q05": yes_no(_up, False),
    "Q06": choice(_up, "higher", "lower"),
    "N07": difference(_up, "higher", "lower"),
    "Q07": yes_no(_depth, False),
    "Q08": yes_no(_depth, True),
    "N06": difference(_depth, "behind", "front"),
    "Q09": choice(_range, "farther", "closer"),
    "N14": difference(_range, "farther", "closer"),
    "N13": number(_range),
}
