"""Puts one decided question into a sentence: the type's own wording, and the number in the unit asked for."""

import math
from typing import NamedTuple

from udfs.language.quantity import CENTIMETER, FOOT, INCH, METER, MILLIMETER, YARD, Unit
from udfs.language.units import UNITS, NamedUnit
from udfs.questions.phrasing import given_slots
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.refusals import NotAnswered, WhyNot
from udfs.questions.sampler import Pick
from udfs.questions.unit import METERS_DOWN
from udfs.questions.wordings import answers, render

_DECIMETER = Unit(0.1, "dm", "decimeter", "decimeters")
_KILOMETER = Unit(1000.0, "km", "kilometer", "kilometers")
_MILE = Unit(1609.344, "mi", "mile", "miles")
_DEGREE = Unit(math.pi / 180, "deg", "degree", "degrees")
_RADIAN = Unit(1.0, "rad", "radian", "radians")
_SQUARE_METER = Unit(1.0, "m2", "square meter", "square meters")
_SQUARE_FOOT = Unit(FOOT.size_m**2, "ft2", "square foot", "square feet")
_TIMES = Unit(1.0, "times", "", "")
_LENGTHS = (MILLIMETER, CENTIMETER, _DECIMETER, METER, _KILOMETER, INCH, FOOT, YARD, _MILE)
_BY_CODE = {unit.code: unit for unit in (*_LENGTHS, _SQUARE_METER, _SQUARE_FOOT, _DEGREE, _RADIAN)}
_CODES = {"°": "deg"}
# An error that is a small part of the number would only add digits.
_MAX_DECIMALS = 3


class Spoken(NamedTuple):
    """An answer as a sentence, and its number in the unit in which it is said."""

    text: str
    value: float | None = None
    sigma: float | None = None
    unit: str | None = None
    value_text: str | None = None


def unit_of(kind: QuestionType, asked: NamedUnit | None, value_si: float) -> Unit:
    """Return the unit in which to say a number: the one asked for, else centimeters below a meter, else meters.

    Raises:
        NotAnswered: the number is none of that unit.
    """
    symbol = kind.unit_si or ""
    if asked is not None:
        unit = _BY_CODE.get(_CODES.get(asked.name, asked.name))
        if unit is None or asked.unit_si != symbol:
            what = {"m": "a length", "m2": "an area", "rad": "an angle", "ratio": "a ratio"}.get(symbol, "no number")
            raise NotAnswered(WhyNot.OTHER_UNIT, f"{kind.name} is {what}, which is not said in {asked.name}.")
        return unit
    if symbol == "rad":
        return _DEGREE
    if symbol == "m2":
        return _SQUARE_METER
    if symbol != "m":
        return _TIMES
    return METER if value_si >= 1.0 else CENTIMETER if value_si >= 0.02 else MILLIMETER


def spoken(pick: Pick, names: dict[int, str], surface: str, asked: NamedUnit | None) -> Spoken:
    """Return the answer in words; `names` call the objects by id, `surface` the floor or table.

    Raises:
        NotAnswered: the number is none of the unit asked for.
    """
    kind = pick.kind
    slots = {"A": names[pick.a.object_id], "surface": surface}
    if pick.b is not None:
        slots["B"] = names[pick.b.object_id]
    if pick.chosen is not None:
        other = pick.b if pick.chosen is pick.a else pick.a
        slots |= {"C": names[pick.chosen.object_id], "D": names[other.object_id] if other else ""}
    if pick.decided.given is not None:
        slots |= given_slots(pick.decided.given, slots, False)
    if pick.value is None or pick.sigma is None:
        if asked is not None:
            unit_of(kind, asked, 0.0)
        return Spoken(render(_plainest(kind, pick.variant), **slots))
    unit = unit_of(kind, asked, pick.value)
    value, sigma = pick.value / unit.size_m, pick.sigma / unit.size_m
    number = _said(value, sigma, unit, kind.unit is METERS_DOWN)
    text = render(_plainest(kind, pick.variant), value=number, **slots)
    if kind.answer_kind == AnswerKind.NUMBER and not kind.variants[pick.variant].is_unsaid:
        text = f"{text.removesuffix('.')}, give or take {_error_said(sigma, unit)}."
    return Spoken(text, value, sigma, _named(unit), number)


def parsed_unit(text: str) -> NamedUnit:
    """Return the unit of a name such as "in", "cm" or "feet".

    Raises:
        NotAnswered: there is none.
    """
    unit = UNITS.get(text.strip().casefold())
    if unit is None:
        raise NotAnswered(WhyNot.OTHER_UNIT, f"There is no unit {text!r}; name one such as m, cm, in, ft or deg.")
    return unit


def _plainest(kind: QuestionType, variant: str) -> str:
    return (answers(kind.type_id, variant, precise=True) or answers(kind.type_id, variant))[0].text


def _decimals(sigma: float) -> int:
    """Return how many decimals a number of this standard error has: as far as the error's first digit."""
    if not sigma > 0:
        return _MAX_DECIMALS
    return min(_MAX_DECIMALS, max(0, -math.floor(math.log10(sigma))))


def _said(value: float, sigma: float, unit: Unit, down: bool = False) -> str:
    # Two digits are kept, however large the error.
    digits = min(max(_decimals(sigma), 0 if value >= 10 else 1 if value >= 1 else 2), _MAX_DECIMALS)
    number = f"{math.floor(value * 10**digits) / 10**digits if down else value:.{digits}f}"
    return number if unit is _TIMES else f"{number} {unit.singular if number == '1' else unit.plural}"


def _error_said(sigma: float, unit: Unit) -> str:
    number = f"{sigma:.1g}" if sigma < 10 else f"{sigma:.0f}"
    number = f"{float(number):.{_decimals(sigma)}f}" if sigma > 0 else "0"
    return number if unit is _TIMES else f"{number} {unit.singular if number == '1' else unit.plural}"


def _named(unit: Unit) -> str:
    return "times" if unit is _TIMES else unit.plural
