"""Phrases lengths, angles and ratios the way people do, rounded as docs/questions.md describes."""

import math
from functools import lru_cache
from typing import NamedTuple

from udfs.language.draws import Draws
from udfs.language.quantity_parser import parse_quantity

__all__ = [
    "Said",
    "parse_quantity",
    "say_angle",
    "say_area",
    "say_compared",
    "say_length",
    "say_length_down",
    "say_meters",
    "say_ratio",
]

INCH_M = 0.0254
FOOT_M = 0.3048
YARD_M = 0.9144
MAX_ERROR = 0.15 + 1e-9
_MIN_DOWN_M = 0.05 - 1e-9


class Said(NamedTuple):
    """A phrased quantity: `value_text` and `unit_text` separately, `text` as people say both, and the rule used."""

    value_text: str
    unit_text: str
    text: str
    rounding_rule: str


class Unit(NamedTuple):
    """A unit of length: size in meters, code in rule names, singular and plural."""

    size_m: float
    code: str
    singular: str
    plural: str


MILLIMETER = Unit(0.001, "mm", "millimeter", "millimeters")
CENTIMETER = Unit(0.01, "cm", "centimeter", "centimeters")
METER = Unit(1.0, "m", "meter", "meters")
INCH = Unit(INCH_M, "in", "inch", "inches")
FOOT = Unit(FOOT_M, "ft", "foot", "feet")
YARD = Unit(YARD_M, "yd", "yard", "yards")

_IDIOMS = {
    ("cm", 50.0): "half a meter",
    ("cm", 100.0): "a meter",
    ("m", 1.0): "a meter",
    ("m", 1.5): "a meter and a half",
    ("m", 2.0): "a couple of meters",
    ("m", 2.5): "two and a half meters",
    ("m", 3.5): "three and a half meters",
    ("m", 4.5): "four and a half meters",
    ("in", 0.5): "half an inch",
    ("in", 1.0): "an inch",
    ("in", 2.0): "a couple of inches",
    ("in", 6.0): "half a foot",
    ("in", 12.0): "a foot",
    ("in", 18.0): "a foot and a half",
    ("in", 24.0): "a couple of feet",
    ("ft", 1.0): "a foot",
    ("ft", 1.5): "a foot and a half",
    ("ft", 2.0): "a couple of feet",
    ("ft", 2.5): "two and a half feet",
    ("ft", 3.0): "a yard",
}
_EIGHTHS = {1: "1/8", 2: "1/4", 3: "3/8", 5: "5/8", 6: "3/4", 7: "7/8"}


def say_length(value_m: float, draws: Draws, precise: bool = False) -> Said:
    """Phrase a length > 0 m, 80 % metric and 20 % imperial, rounded as people round, within 15 % of the value.

    A finer rounding is used where the coarser one would be off by more than 15 % or give 0. `precise` keeps two
    decimals, within 1 %. Raises ValueError unless the length is positive and finite.
    """
    _require_positive(value_m)
    imperial = draws.uniform() < 0.2
    if precise:
        return _say_precise(value_m, imperial)
    level = draws.uniform()
    idiom = draws.uniform() < 0.15
    if imperial:
        return _say_imperial(value_m, level, draws.uniform(), idiom)
    return _say_metric(value_m, level, draws, idiom)


def say_meters(value_m: float, precise: bool = False) -> Said:
    """Phrase a length > 0 m in meters to two significant digits, or three if `precise`, such as "0.46 meters".

    Raises ValueError unless the length is positive and finite.
    """
    _require_positive(value_m)
    return _significant(value_m, METER, (3 if precise else 2,), False)


def say_length_down(value_m: float, in_meters: bool = False) -> Said:
    """Phrase how large a thing may be at most: a length >= 0.05 m, rounded down, such as "1.2 meters" for 1.26 m.

    It is at most 15 % less than the value.

    Raises ValueError for a shorter one.
    """
    for unit, step in (METER, 0.1), (CENTIMETER, 5.0), (CENTIMETER, 1.0), (CENTIMETER, 0.5):
        steps = math.floor(value_m / unit.size_m / step + 1e-9)
        is_close = steps >= 5 and _close(steps * step * unit.size_m, value_m)
        if is_close and (value_m >= 1.0 if unit is METER else value_m >= _MIN_DOWN_M):
            value, rule = round(steps * step, 6), f"{_rule(unit, step)}_down"
            return _said(value * unit.size_m, METER, rule, False) if in_meters else _said(value, unit, rule, False)
    raise ValueError(f"A length of {value_m} m is too short to be rounded down; lengths must be at least 0.05 m.")


def say_compared(value_m: float, in_meters: bool = False) -> str:
    """Phrase a length that is compared with another, to 1 cm, such as "80 centimeters" or "1.25 meters"."""
    _require_positive(value_m)
    rounded = max(1, round(100 * value_m))
    if in_meters or rounded >= 100:
        return _said(rounded / 100, METER, "", False).text
    return _said(float(rounded), CENTIMETER, "", False).text


def say_area(value_m2: float, draws: Draws) -> Said:
    """Phrase an area > 0 m2 to two significant digits, 80 % in square meters and 20 % in square feet.

    Raises ValueError unless the area is positive and finite.
    """
    if not 0.0 < value_m2 < math.inf:
        raise ValueError(f"An area of {value_m2} m2 cannot be phrased; areas must be positive and finite.")
    code, size, words = ("ft2", FOOT_M**2, "square feet") if draws.uniform() < 0.2 else ("m2", 1.0, "square meters")
    number = f"{float(f'{value_m2 / size:.2g}'):.6g}"
    unit_text = words.replace("feet", "foot").replace("meters", "meter") if number == "1" else words
    return Said(number, unit_text, f"{number} {unit_text}", f"{code}_2sf")


def say_angle(value_rad: float, draws: Draws, precise: bool = False) -> Said:
    """Phrase an angle > 0 rad in degrees, to the nearest 5, or to the nearest 1 if `precise` or 5 is too coarse."""
    del draws  # the signature matches `say_length`, but angles have a single phrasing
    degrees = math.degrees(value_rad)
    for step, rule in ((5.0, "degrees_5"), (1.0, "degrees_1"), (0.1, "degrees_0.1")):
        rounded = round(degrees / step) * step
        if not (precise and step == 5.0) and _close(rounded, degrees):
            number = f"{rounded:.1f}" if step == 0.1 else f"{rounded:.0f}"
            unit = "degree" if number == "1" else "degrees"
            return Said(number, unit, f"{number} {unit}", rule)
    raise ValueError(f"An angle of {value_rad} rad is too small to phrase; angles must exceed 0.1 degrees.")


def say_ratio(value: float) -> Said:
    """Phrase a ratio >= 1 to the nearest 0.5, or 0.1 where that is off by more than 15 %, such as "1.5".

    Raises ValueError for a smaller one.
    """
    if not 1.0 <= value < math.inf:
        raise ValueError(f"A ratio of {value} cannot be phrased; ratios must be at least 1.")
    coarse, fine = round(value * 2) / 2, round(value * 10) / 10
    rounded, step = (coarse, "0.5") if _close(coarse, value) else (fine, "0.1")
    return Said(f"{rounded:g}", "times", f"{rounded:g}", f"ratio_{step}")


def _require_positive(value_m: float) -> None:
    if not 0.0 < value_m < math.inf:
        raise ValueError(f"A length of {value_m} m cannot be phrased; lengths must be positive and finite.")


def _close(rounded: float, value: float) -> bool:
    return rounded > 0 and abs(rounded - value) <= MAX_ERROR * value


def _say_metric(value_m: float, level: float, draws: Draws, idiom: bool) -> Said:
    if value_m < 0.02:
        return _significant(value_m, MILLIMETER, (1, 2), idiom)
    if value_m < 1.0:
        if _close(1.0, value_m) and draws.uniform() < 0.75:
            return _said(1.0, METER, "metric_m_1", idiom)
        steps = (5, 1, 0.5) if level < 0.6 else (10, 5, 1, 0.5) if level < 0.85 else (1, 0.5)
        return _stepped(value_m, CENTIMETER, steps, idiom)
    if value_m < 3.0:
        return _stepped(value_m, METER, (0.5, 0.1) if level < 0.6 else (0.1,), idiom)
    if value_m < 10.0:
        return _stepped(value_m, METER, (1, 0.5) if level < 0.6 else (0.5, 0.1), idiom)
    return _significant(value_m, METER, (1, 2) if level < 0.7 else (2,), idiom)


def _say_imperial(value_m: float, level: float, other: float, idiom: bool) -> Said:
    if value_m < 0.3:
        return _small_imperial(value_m, idiom)
    if value_m < 1.0:
        half_feet = round(value_m / FOOT_M * 2) / 2
        if level >= 0.5 and _close(half_feet * FOOT_M, value_m):
            return _stepped(value_m, FOOT, (0.5,), idiom)
        return _stepped(value_m, INCH, (2, 1), idiom)
    if value_m < 10.0:
        return _feet_and_inches(value_m) if other < 0.15 else _stepped(value_m, FOOT, (1, 0.5), idiom)
    if other < 0.2:
        return _stepped(value_m, YARD, (1,), idiom)
    return _stepped(value_m, FOOT, (5, 1), idiom)


def _stepped(value_m: float, unit: Unit, steps: tuple[float, ...], idiom: bool) -> Said:
    value = value_m / unit.size_m
    for step in steps:
        rounded = round(value / step) * step
        if rounded > 0 and abs(rounded - value) <= MAX_ERROR * value:
            return _said(rounded, unit, _rule(unit, step), idiom)
    raise ValueError(f"No step of {steps} {unit.plural} is fine enough for {value_m} m.")


@lru_cache(maxsize=64)
def _rule(unit: Unit, step: float) -> str:
    system = "metric" if unit in (MILLIMETER, CENTIMETER, METER) else "imperial"
    return f"{system}_{unit.code}_{step:g}"


def _significant(value_m: float, unit: Unit, digits: tuple[int, ...], idiom: bool) -> Said:
    value = value_m / unit.size_m
    for count in digits:
        rounded = float(f"{value:.{count}g}")
        if _close(rounded, value):
            return _said(rounded, unit, f"metric_{unit.code}_{count}sf", idiom)
    raise ValueError(f"{digits} significant digits are not enough for {value_m} m.")


def _said(value: float, unit: Unit, rule: str, idiom: bool) -> Said:
    if unit is CENTIMETER and value >= 100:
        value, unit = value / 100, METER
    # steps such as 0.1 leave floating-point residue; six significant digits are more than any rule keeps
    number = f"{value:.6g}"
    unit_text = unit.singular if number == "1" else unit.plural
    if idiom and (unit.code, value) in _IDIOMS:
        return Said(number, unit_text, _IDIOMS[unit.code, value], rule)
    return Said(number, unit_text, f"{number} {unit_text}", rule)


def _small_imperial(value_m: float, idiom: bool) -> Said:
    value = value_m / INCH_M
    if _close(round(value), value):
        return _said(float(round(value)), INCH, "imperial_in_1", idiom)
    for parts in (2, 4, 8):
        rounded = round(value * parts) / parts
        if _close(rounded, value):
            fraction = _EIGHTHS.get(round(rounded * 8), "")
            text = "half an inch" if rounded == 0.5 else f"{fraction} of an inch" if fraction else f"{rounded:g} inches"
            return Said(f"{rounded:g}", "inches", text, f"imperial_in_1/{parts}")
    return _significant(value_m, MILLIMETER, (1, 2), idiom)


def _feet_and_inches(value_m: float) -> Said:
    feet, inches = divmod(round(value_m / INCH_M), 12)
    foot_text = f"{feet} {'foot' if feet == 1 else 'feet'}"
    if not inches:
        return Said(f"{feet}", foot_text.split()[1], foot_text, "imperial_ft_in")
    text = f"{foot_text} {inches} {'inch' if inches == 1 else 'inches'}"
    return Said(f"{feet}'{inches}\"", "feet and inches", text, "imperial_ft_in")


def _say_precise(value_m: float, imperial: bool) -> Said:
    if imperial and value_m >= 0.02:
        unit = INCH if value_m < 1.0 else FOOT
    else:
        unit = MILLIMETER if value_m < 0.01 else CENTIMETER if value_m < 1.0 else METER
    number = f"{value_m / unit.size_m:.2f}"
    system = "imperial" if unit in (INCH, FOOT) else "metric"
    return Said(number, unit.plural, f"{number} {unit.plural}", f"{system}_{unit.code}_precise")
