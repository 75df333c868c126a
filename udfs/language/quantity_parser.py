"""Finds the first number with a unit in a text: digits, fractions, number words, idioms, mixed units and ranges."""

import math
import re
import unicodedata
from dataclasses import dataclass

_UNITS: dict[str, tuple[str, float]] = {}
for _dimension, _size, _names in (
    ("m", 0.001, "mm millimeter millimeters millimetre millimetres"),
    ("m", 0.01, "cm cms centimeter centimeters centimetre centimetres"),
    ("m", 0.1, "dm decimeter decimeters decimetre decimetres"),
    ("m", 1.0, "m meter meters metre metres"),
    ("m", 1000.0, "km kilometer kilometers kilometre kilometres"),
    ("m", 0.0254, 'in inch inches "'),
    ("m", 0.3048, "ft foot feet '"),
    ("m", 0.9144, "yd yds yard yards"),
    ("m", 1609.344, "mi mile miles"),
    ("rad", math.pi / 180, "° deg degree degrees"),
    ("rad", 1.0, "rad radian radians"),
):
    for _name in _names.split():
        _UNITS[_name] = (_dimension, _size)

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: float(i) for i, word in enumerate((_ONES + " seventeen eighteen nineteen").split())}
_TENS = dict(zip(_TEN_WORDS.split(), (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0), strict=True))
_VAGUE = {"couple": 2.0, "few": 3.0, "dozen": 12.0}
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "eighth": 8, "eighths": 8}
_FRACTION = re.compile("[¼-¾⅐-⅞]")
_MARKS = {"′": "'", "’": "'", "‘": "'", "″": '"', "”": '"', "“": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
_TOKEN = re.compile(r"\d+\s*/\s*\d+|\d+(?:,\d{3})*(?:\.\d+)?|\.\d+|[a-z]+|°|''|['\"]|-")
# after the preposition "in" there is more of the sentence; after the unit there is its end or one of these
_AFTER_INCHES_WORDS = "tall wide long high deep apart away across above below to and or by x thick of from"
_AFTER_INCHES = frozenset(_AFTER_INCHES_WORDS.split())


@dataclass(frozen=True)
class _Quantity:
    value: float
    size: float
    dimension: str
    end: int


def parse_quantity(text: str) -> float | None:
    """Return the first quantity of `text` in metres or radians, or None.

    Adjacent feet and inches or meters and centimeters add up, a range gives its midpoint, and a number without a
    unit is passed over.
    """
    tokens = _tokens(text)
    for start in range(len(tokens)):
        if (found := _range_at(tokens, start)) is not None:
            return found
    return None


def _tokens(text: str) -> list[str]:
    text = text.lower()
    for mark, plain in _MARKS.items():
        text = text.replace(mark, plain)
    text = _FRACTION.sub(lambda found: f" {unicodedata.normalize('NFKC', found[0]).replace('⁄', '/')} ", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text).replace("''", '"')
    return _TOKEN.findall(text)


def _range_at(tokens: list[str], start: int) -> float | None:
    between = tokens[start] in ("between", "from")
    begin = start + 1 if between else start
    joints = ("to", "-", "or", "and") if between else ("to", "-", "or")
    amount = _amount_at(tokens, begin)
    if amount is not None and _token(tokens, amount[1]) in joints:
        upper = _quantity_at(tokens, amount[1] + 1)
        if upper is not None:
            return (amount[0] * upper.size + upper.value) / 2
    lower = _quantity_at(tokens, begin, joined=not between)
    if lower is None:
        return None
    if _token(tokens, lower.end) in joints:
        upper = _quantity_at(tokens, lower.end + 1)
        if upper is not None and upper.dimension == lower.dimension:
            return (lower.value + upper.value) / 2
    return lower.value


def _token(tokens: list[str], index: int) -> str:
    return tokens[index] if index < len(tokens) else ""


def _quantity_at(tokens: list[str], start: int, joined: bool = True) -> _Quantity | None:
    amount = _amount_at(tokens, start)
    if amount is None:
        return None
    value, index = amount
    if _token(tokens, index) == "-":
        index += 1
    unit = _unit_at(tokens, index)
    if unit is None:
        return None
    dimension, size = unit
    total, end = value * size, index + 1
    if joined:
        total, end = _with_rest(tokens, total, size, end)
    return _Quantity(total, size, dimension, end)


def _with_rest(tokens: list[str], total: float, size: float, end: int) -> tuple[float, int]:
    """Add "and a half", or a smaller unit of the same system."""
    index = end + 1 if _token(tokens, end) in ("and", "-") else end
    after = index + 1 if _token(tokens, index) == "a" else index
    part = _PARTS.get(_token(tokens, after))
    if part and index > end and _unit_at(tokens, after + 1) is None and _token(tokens, after + 1) not in ("a", "of"):
        return total + size / part, after + 1
    amount = _amount_at(tokens, index)
    if amount is None:
        return total, end
    value, index = amount
    unit = _unit_at(tokens, index)
    if unit is None:
        if _token(tokens, end - 1) in ("'", "ft", "feet", "foot") and value < 12 and _token(tokens, end) != "and":
            return total + value * 0.0254, index
        return total, end
    pairs = {(0.3048, 0.0254), (0.9144, 0.3048), (0.9144, 0.0254), (1.0, 0.01), (1.0, 0.001), (0.01, 0.001)}
    if (size, unit[1]) in pairs:
        return total + value * unit[1], index + 1
    return total, end


def _unit_at(tokens: list[str], index: int) -> tuple[str, float] | None:
    name = _token(tokens, index)
    if name == "in":
        following = _token(tokens, index + 1)
        if following and following.isalpha() and following not in _AFTER_INCHES:
            return None
    return _UNITS.get(name)


def _amount_at(tokens: list[str], start: int) -> tuple[float, int] | None:
    first = _token(tokens, start)
    if first in ("a", "an"):
        following = _token(tokens, start + 1)
        if following in _PARTS or following in _VAGUE or following == "hundred":
            return _amount_at(tokens, start + 1)
        return (1.0, start + 1) if len(following) > 2 and following in _UNITS else None
    if tokens[start : start + 3] == ["half", "a", "dozen"]:
        return 6.0, start + 3
    if first in _PARTS:
        return 1 / _PARTS[first], _skip_of(tokens, start + 1)
    if first in _VAGUE:
        return _VAGUE[first], _skip_of(tokens, start + 1)
    number = _number_at(tokens, start)
    if number is None:
        return None
    value, index = number
    if _token(tokens, index) in _PARTS:
        return value / _PARTS[tokens[index]], _skip_of(tokens, index + 1)
    if _is_fraction(_token(tokens, index)):
        return value + _fraction(tokens[index]), index + 1
    if _token(tokens, index) == "and":
        return _mixed_at(tokens, value, index)
    return value, _skip_of(tokens, index)


def _mixed_at(tokens: list[str], value: float, index: int) -> tuple[float, int]:
    """Read "two and a half", "1 and 1/2", "two and three quarters"."""
    following = _token(tokens, index + 1)
    if _is_fraction(following):
        return value + _fraction(following), index + 2
    after = index + 2 if following == "a" else index + 1
    if _token(tokens, after) in _PARTS:
        return value + 1 / _PARTS[tokens[after]], after + 1
    count = _SMALL.get(following)
    if count is not None and _token(tokens, index + 2) in _PARTS:
        return value + count / _PARTS[tokens[index + 2]], index + 3
    return value, index


def _skip_of(tokens: list[str], index: int) -> int:
    if _token(tokens, index) == "of":
        index += 1
    if _token(tokens, index) in ("a", "an") and _token(tokens, index + 1) in _UNITS:
        index += 1
    return index


def _is_fraction(token: str) -> bool:
    return "/" in token


def _fraction(token: str) -> float:
    top, bottom = token.split("/")
    return float(top) / float(bottom) if float(bottom) else math.nan


def _number_at(tokens: list[str], start: int) -> tuple[float, int] | None:
    token = _token(tokens, start)
    if _is_fraction(token):
        return _fraction(token), start + 1
    if token[:1].isdigit() or token[:1] == ".":
        return float(token.replace(",", "")), start + 1
    return _words_at(tokens, start)


def _words_at(tokens: list[str], start: int) -> tuple[float, int] | None:
    total, index, found = 0.0, start, False
    if _token(tokens, index) == "hundred":
        total, index, found = 100.0, index + 1, True
    while True:
        token = _token(tokens, index)
        if token in _TENS:
            total += _TENS[token]
        elif token in _SMALL:
            total += _SMALL[token]
            if _token(tokens, index + 1) in ("hundred", "thousand"):
                total *= 100.0 if tokens[index + 1] == "hundred" else 1000.0
                index += 1
        elif found and token == "and" and total >= 100 and _token(tokens, index + 1) in (*_TENS, *_SMALL):
            index += 1
            continue
        else:
            return (total, index) if found else None
        index, found = index + 1, True
