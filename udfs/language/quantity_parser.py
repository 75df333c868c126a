"""Parses quantities in a text: numbers with units, feet plus inches, ranges, and plus-or-minus."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from udfs.language.numerals import PARTS, Tokens, amount_at, number_at
from udfs.language.units import UNITS, NamedUnit, unit_at

CONVERSION_REL = 0.05
_PAIRS = {(0.3048, 0.0254), (0.9144, 0.3048), (0.9144, 0.0254), (1.0, 0.01), (1.0, 0.001), (0.01, 0.001)}
_FEET = ("'", "ft", "feet", "foot")
_PARSED_UNITS = ("m", "rad")
_MULTIPLES = {"twice": 2.0, "double": 2.0, "triple": 3.0, "thrice": 3.0}


@dataclass(frozen=True)
class ParsedQuantity:
    """A quantity in a text, from `low` to `high` in the SI unit of `unit`; both are equal if it is not a range.

    `unit` belongs to the last number and is None for a bare number; `start` and `end` are character offsets.
    """

    low: float
    high: float
    unit: NamedUnit | None
    start: int
    end: int

    @property
    def value(self) -> float:
        """Return the midpoint."""
        return (self.low + self.high) / 2


class _Span(NamedTuple):
    low: float
    high: float
    unit: NamedUnit | None
    end: int


def parse_quantity(text: str) -> float | None:
    """Return the first length or angle of `text` in meters or radians, or None.

    Adjacent feet and inches, or meters and centimeters, are added; a range gives its midpoint; a number without a unit
    is skipped.
    """
    return next((item.value for item in quantities(text) if item.unit and item.unit.unit_si in _PARSED_UNITS), None)


def quantities(text: str) -> list[ParsedQuantity]:
    """Return all quantities of a text in order: lengths, angles, areas, volumes and ratios."""
    return _scan(text, _span_at)


def bare_numbers(text: str) -> list[ParsedQuantity]:
    """Return all numbers and ranges of a text in order, ignoring any units."""
    return _scan(text, _bare_at)


def _scan(text: str, read: Callable[[Tokens, int], _Span | None]) -> list[ParsedQuantity]:
    tokens = Tokens(text)
    parsed: list[ParsedQuantity] = []
    index = 0
    while index < len(tokens):
        span = read(tokens, index)
        if span is None:
            index += 1
            continue
        low, high = sorted((span.low, span.high))
        start, end = tokens.items[index].start, tokens.items[span.end - 1].end
        parsed.append(ParsedQuantity(low, high, span.unit, start, end))
        index = span.end
    return parsed


def _span_at(tokens: Tokens, start: int) -> _Span | None:
    """Parse "2 to 3 meters", "between 50 cm and 1 m", "2 m ± 10 cm" or a single quantity."""
    between = tokens[start] in ("between", "from")
    begin = _hedged(tokens, start + 1) if between else start
    amount = amount_at(tokens, begin)
    if amount is not None and (joint := _joint_at(tokens, amount[1], between)):
        upper = _quantity_at(tokens, joint[1])
        if upper is not None and upper.unit is not None:
            return _joined(amount[0] * upper.unit.size, upper, joint[0])
    lower = _quantity_at(tokens, begin, joined=not between)
    if lower is None or lower.unit is None:
        return None
    a_or_two = tokens[begin] in ("a", "an") and tokens[lower.end] == "or"
    count = number_at(tokens, lower.end + 1) if a_or_two else None
    if count is not None and count[0] > 1 and unit_at(tokens, count[1]) is None:
        return _Span(lower.low, lower.low * count[0], lower.unit, count[1])
    joint = _joint_at(tokens, lower.end, between)
    upper = _quantity_at(tokens, joint[1]) if joint else None
    if joint is None or upper is None or upper.unit is None or upper.unit.unit_si != lower.unit.unit_si:
        return lower
    same = upper.unit != lower.unit and abs(upper.low - lower.low) <= CONVERSION_REL * lower.low
    return lower if same else _joined(lower.low, upper, joint[0])


def _bare_at(tokens: Tokens, start: int) -> _Span | None:
    between = tokens[start] in ("between", "from")
    begin = _hedged(tokens, start + 1) if between else start
    lower = number_at(tokens, begin) and amount_at(tokens, begin)
    if not lower:
        return None
    joint = _joint_at(tokens, lower[1], between)
    upper = (number_at(tokens, joint[1]) and amount_at(tokens, joint[1])) if joint else None
    if not joint or not upper:
        return _Span(lower[0], lower[0], None, lower[1])
    return _joined(lower[0], _Span(upper[0], upper[0], None, upper[1]), joint[0])


def _hedged(tokens: Tokens, index: int) -> int:
    """Return the index after words such as "about"."""
    while tokens[index] in ("about", "roughly", "approximately", "around", "approx", "perhaps", "maybe", "≈", "~"):
        index += 1
    return index


def _joint_at(tokens: Tokens, index: int, between: bool) -> tuple[str, int] | None:
    if tokens[index] == "(":
        tolerance = _joint_at(tokens, index + 1, False)
        return tolerance if tolerance and tolerance[0] == "±" else None
    if tokens[index] == "±":
        return "±", index + 1
    if tokens.words(index, 3) in (("plus", "or", "minus"), ("give", "or", "take")):
        return "±", index + 3
    if between and tokens.words(index, 2) == ("up", "to"):
        index += 1
    if tokens[index] in ("to", "-", "or", "~") or (between and tokens[index] == "and"):
        return "to", _hedged(tokens, index + 1)
    return None


def _joined(lower: float, upper: _Span, joint: str) -> _Span:
    if joint == "±":
        return _Span(lower - upper.low, lower + upper.low, upper.unit, upper.end)
    return _Span(lower, upper.low, upper.unit, upper.end)


def _quantity_at(tokens: Tokens, start: int, joined: bool = True) -> _Span | None:
    if tokens[start] in _MULTIPLES:
        value = _MULTIPLES[tokens[start]]
        return _Span(value, value, UNITS["times"], start + 1)
    if tokens[start] in PARTS and tokens[start + 1] in ("as", "the"):
        value = 1 / PARTS[tokens[start]]
        return _Span(value, value, UNITS["times"], start + 1)
    amount = amount_at(tokens, start)
    if amount is None and tokens[start] in ("a", "an") and len(tokens[start + 1]) > 2:
        amount = (1.0, start + 1)
    if amount is None:
        return None
    value, index = amount
    if tokens[index] == "-" or (tokens[index] in ("a", "an") and tokens[index + 1] in UNITS):
        index += 1
    named = unit_at(tokens, index) or _set_off_unit(tokens, index)
    if named is None:
        return None
    unit, end = named
    total = value * unit.size
    if joined and unit.unit_si == "m":
        total, end = _with_rest(tokens, total, unit.size, end)
    return _Span(total, total, unit, end)


def _set_off_unit(tokens: Tokens, index: int) -> tuple[NamedUnit, int] | None:
    """Parse the unit in "130 (cm)", "130 in centimeters" and "(1.3 ± 0.2) m"."""
    if tokens[index] == "(" and (named := unit_at(tokens, index + 1)) and tokens[named[1]] == ")":
        return named[0], named[1] + 1
    if tokens[index] in ("in", ")"):
        return unit_at(tokens, index + 1)
    return None


def _with_rest(tokens: Tokens, total: float, size: float, end: int) -> tuple[float, int]:
    """Add "and a half", or a smaller unit of the same system."""
    index = end + 1 if tokens[end] in ("and", "-") else end
    after = index + 1 if tokens[index] == "a" else index
    part = PARTS.get(tokens[after])
    if part and index > end and unit_at(tokens, after + 1) is None and tokens[after + 1] not in ("a", "of"):
        return total + size / part, after + 1
    amount = amount_at(tokens, index)
    if amount is None:
        return total, end
    value, index = amount
    named = unit_at(tokens, index)
    if named is None:
        if tokens[end - 1] in _FEET and value < 12 and tokens[end] != "and":
            return total + value * 0.0254, index
        if size == 1.0 and _centimeters_follow(tokens, end, index, value):
            return total + value * 0.01, index
        return total, end
    if (size, named[0].size) in _PAIRS and named[0].unit_si == "m":
        return total + value * named[0].size, named[1]
    return total, end


def _centimeters_follow(tokens: Tokens, end: int, index: int, value: float) -> bool:
    """Return whether two figures after meters are centimeters, as in "1 meter 50"."""
    apart = tokens.items[end].start - tokens.items[end - 1].end
    alone = tokens[index] in ("", "(", "=", ";", "tall", "wide", "long", "high", "deep", "away", "apart", "from")
    two = re.fullmatch(r"\d\d|[a-z]+", tokens[end]) is not None and value in range(10, 100)
    return apart <= 1 and two and alone
