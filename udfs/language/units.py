"""Parses units of length, angle, area, volume and ratio."""

import math
from typing import NamedTuple

from udfs.language.numerals import Tokens


class NamedUnit(NamedTuple):
    """A unit found in a text: its SI unit (m, rad, m2, m3 or ratio), its size in that unit, and its short name."""

    unit_si: str
    size: float
    name: str


UNITS: dict[str, NamedUnit] = {
    name: NamedUnit(unit_si, size, names.split()[0])
    for unit_si, size, names in (
        ("m", 0.001, "mm millimeter millimeters millimetre millimetres"),
        ("m", 0.01, "cm cms centimeter centimeters centimetre centimetres"),
        ("m", 0.1, "dm decimeter decimeters decimetre decimetres"),
        ("m", 1.0, "m meter meters metre metres mtr mtrs"),
        ("m", 1000.0, "km kilometer kilometers kilometre kilometres"),
        ("m", 0.0254, 'in inch inches ins "'),
        ("m", 0.3048, "ft foot feet '"),
        ("m", 0.9144, "yd yds yard yards"),
        ("m", 1609.344, "mi mile miles"),
        ("rad", math.pi / 180, "° deg degs degree degrees"),
        ("rad", 1.0, "rad radian radians"),
        ("m2", 1.0, "m2 sqm"),
        ("m2", 1e-4, "cm2"),
        ("m2", 1e-6, "mm2"),
        ("m2", 0.3048**2, "sqft"),
        ("m3", 1.0, "m3"),
        ("m3", 1e-6, "cm3 ml milliliter milliliters millilitre millilitres"),
        ("m3", 1e-3, "l liter liters litre litres"),
        ("ratio", 1.0, "times"),
    )
    for name in names.split()
}
_BEFORE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_AFTER = {"^2": 2, "squared": 2, "^3": 3, "cubed": 3}
# "in" is the unit only at the end of a sentence or before one of these words; otherwise it is the preposition
_AFTER_INCHES_WORDS = "tall wide long high deep apart away across above below to and or by x thick of from"
_AFTER_INCHES = frozenset(_AFTER_INCHES_WORDS.split())


def unit_at(tokens: Tokens, index: int) -> tuple[NamedUnit, int] | None:
    """Parse the unit that starts at a token; return it with the index after it, or None."""
    power = _BEFORE.get(tokens[index])
    at = index if power is None else index + 1
    name = tokens[at]
    if name == "in" and tokens[at + 1].isalpha() and tokens[at + 1] not in _AFTER_INCHES:
        return None
    if name == "x" and not (tokens[at + 1][:1].isdigit() or tokens[at + 1] in ("a", "the")):
        return UNITS["times"], at + 1
    unit = UNITS.get(name)
    if unit is None:
        return None
    end = at + 1
    if tokens[end] == "per" or (tokens[end] == "/" and tokens[end + 1].isalpha()):  # a speed or a density
        return None
    if power is None and tokens[end] in _AFTER:
        power, end = _AFTER[tokens[end]], end + 1
    if power is None:
        return unit, end
    return (NamedUnit(f"m{power}", unit.size**power, f"{unit.name}{power}"), end) if unit.unit_si == "m" else None
