"""Parsing quantities by the rules in docs/evaluation.md."""

import re
from dataclasses import dataclass

from udfs.language.numerals import Tokens
from udfs.language.quantity_parser import ParsedQuantity, bare_numbers, quantities
from udfs.language.units import UNITS, NamedUnit, unit_at
from vlm.evaluation.reading.aside import announced_unit, announces, has_other_unit
from vlm.evaluation.reading.marked import Part, body_of, marked_parts
from vlm.evaluation.reading.refusal import without_refusals
from vlm.evaluation.reading.selection import chosen_of

METER = UNITS["m"]
_MAX_QUANTITIES = 64
COUNT = NamedUnit("count", 1.0, "")
_HEDGE = r"(?:\s*(?:about|approximately|roughly|around|only|just|a|an|~|≈))*\s*$"
_UPPER = re.compile(
    r"(?:\b(?:at most|no more than|not more than|(?<!no )(?<!not )less than|lower than|smaller than|shorter than"
    r"|fewer than|under|below"
    rf"|up to|within|maximum of|at maximum)|<=?|≤){_HEDGE}",
    re.IGNORECASE,
)
_LOWER = re.compile(
    r"(?:\b(?:at least|no less than|not less than|(?<!no )(?<!not )more than|greater than|larger than|longer than|over"
    rf"|above|beyond|exceeds|exceeding|upwards of|minimum of|at minimum)|>=?|≥){_HEDGE}",
    re.IGNORECASE,
)
_UPPER_AFTER = re.compile(r"\s*(?:or less|or fewer|or under|at most|at the most|max(?:imum)?\b|tops\b)", re.IGNORECASE)
_LOWER_AFTER = re.compile(
    r"\s*(?:or more|or over|at least|at the least|min(?:imum)?\b|plus\b(?! or)|\+(?!/))", re.IGNORECASE
)
_LABEL = re.compile(
    r"\[\s*\d+\s*\]|\b(?:region|object|mask|box|item|image|point|figure|step|option|frame|number|no\.)\s*#?<?\d+>?"
    r"|(?m:^\s*\d+[.)]\s+(?=\S))|\b(?:the|that|this|which|each|any|only|no|other|of the)\s+one\b"
    r"|\bone\s+(?:of|on|in|is|that|which|to|at|another)\b",
    re.IGNORECASE,
)
# Phrases that mean a length of 0.
_CONTACT = re.compile(
    r"\b(?:rest(?:s|ing)?|right|directly|flat|level) (?:on|with|against)\b"
    r"|\blies on\b|\btouch(?:es|ing)?\b|\bno (?:gap|space|distance|clearance)\b|\bnothing in between\b",
    re.IGNORECASE,
)

_NONE = re.compile(
    r"\W*(?:(?:i (?:can )?see|there (?:are|is)|(?:the )?answer(?: is|:))\s+)?"
    r"(?:none\b|no (?!idea|way|doubt|problem)\w{3,})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A quantity in the SI unit `unit_si` (m, rad, m2, m3, ratio or count).

    `unit` is the short name of the stated unit or, with the flag `no_unit`, of the assumed one; `span` is the position
    in the output. Flags: `range`, `conversion`, `several`, `no_unit`, `upper_bound`, `lower_bound`, `negative`,
    `contact` (0 m, as in "it rests on the floor").
    """

    value_si: float
    unit_si: str
    unit: str
    flags: tuple[str, ...]
    span: tuple[int, int]


def parse_quantity(text: str, asked_unit: str | None = None, question: str = "") -> Quantity | None:
    """Return the quantity in an answer, or None if there is none or it refuses to answer.

    `asked_unit` is the unit of numbers without one, and determines whether a length, angle, area, volume, ratio or
    count is read: "m", "inches", "degrees", "square meters", "times", "count". The default is meters. Of several
    quantities, the `question` tells the one whose sentence is about what was asked.

    Raises:
        ValueError: the unit is unknown.
    """
    asked = unit_named(asked_unit)
    for part in marked_parts(text):
        found = _read(part, asked, question)
        if found is not None:
            return _with_stated_unit(found, body_of(text[: part.start]).text, asked)
    return _read(body_of(text), asked, question)


def _read(part: Part, asked: NamedUnit, question: str) -> Quantity | None:
    body = without_refusals(part.text)
    everything = _announced(body, _ends(quantities(body)))
    found = [one for one in everything if one.unit is not None and one.unit.unit_si == asked.unit_si]
    flags: list[str] = []
    if not found:
        found = _ends(_bare(body, everything, words=asked is COUNT))
        if asked.unit_si not in ("count", "ratio"):
            flags.append("no_unit")
    if not found:
        if asked is COUNT and (none := _NONE.match(body)):
            return Quantity(0.0, COUNT.unit_si, COUNT.name, (), part.place(*none.span()))
        contact = _CONTACT.search(body) if asked.unit_si == "m" else None
        return _zero(part.place(*contact.span())) if contact else None
    chosen = chosen_of(body, found, flags, question)
    scale = asked.size if chosen.unit is None else 1.0
    sign = -1.0 if _negative(body, chosen) else 1.0
    flags += _bounds(body, chosen)
    if chosen.low != chosen.high:
        flags.append("range")
    if sign < 0:
        flags.append("negative")
    low, high = sign * chosen.low * scale, sign * chosen.high * scale
    name = (chosen.unit or asked).name
    span = part.place(chosen.start, chosen.end)
    return Quantity((low + high) / 2, asked.unit_si, name, tuple(flags), span)


def _announced(body: str, found: list[ParsedQuantity]) -> list[ParsedQuantity]:
    """Add the numbers whose unit is said before them: "Distance (cm): 130"."""
    added = []
    for one in _ends(_bare(body, found)) if announces(body) else ():
        unit = announced_unit(body, one.start)
        if unit is not None:
            added.append(ParsedQuantity(one.low * unit.size, one.high * unit.size, unit, one.start, one.end))
    return sorted([*found, *added], key=lambda one: one.start)


def _ends(found: list[ParsedQuantity]) -> list[ParsedQuantity]:
    """Return the first and last of very many quantities."""
    return found if len(found) <= _MAX_QUANTITIES else [*found[:8], *found[8 - _MAX_QUANTITIES :]]


def _with_stated_unit(found: Quantity, before: str, asked: NamedUnit) -> Quantity:
    r"""Give a marked number the unit that the same number has in the text before: "It is 90 cm. \boxed{90}"."""
    if "no_unit" not in found.flags:
        return found
    number = found.value_si / asked.size
    for one in reversed(quantities(before)):
        if one.unit and one.unit.unit_si == asked.unit_si and abs(one.value / one.unit.size - number) <= 1e-9 * number:
            flags = tuple(flag for flag in found.flags if flag != "no_unit")
            return Quantity(one.value, asked.unit_si, one.unit.name, flags, found.span)
    return found


def _zero(span: tuple[int, int]) -> Quantity:
    return Quantity(0.0, METER.unit_si, METER.name, ("contact",), span)


def unit_named(name: str | None) -> NamedUnit:
    """Return a unit by any of its names; meters for None.

    Raises:
        ValueError: the unit is unknown.
    """
    if name is None:
        return METER
    if name in ("count", ""):
        return COUNT
    if name == "ratio":
        return UNITS["times"]
    found = unit_at(Tokens(name), 0)
    if found is None:
        raise ValueError(f"{name!r} is not a known unit; use one such as m, cm, inches, degrees, m2, times or count.")
    return found[0]


def _bare(body: str, everything: list[ParsedQuantity], words: bool = False) -> list[ParsedQuantity]:
    """Return numbers without a unit, except labels; without `words`, digits take precedence over number words."""
    labels = [match.span() for match in _LABEL.finditer(body) if not (words and match[0].lower() == "only one")]
    taken = [*labels, *((one.start, one.end) for one in everything)]
    free = [
        one
        for one in bare_numbers(body)
        if not any(one.start < end and start < one.end for start, end in taken)
        and not has_other_unit(body, one, counts=words)
    ]
    figures = [one for one in free if any(letter.isdigit() for letter in body[one.start : one.end])]
    if words and figures:
        return [one for one in free if one in figures or body[one.start : one.end].lower() != "one"]
    return figures or free


def _bounds(body: str, chosen: ParsedQuantity) -> list[str]:
    before, after = body[: chosen.start], body[chosen.end :]
    if _UPPER.search(before) or _UPPER_AFTER.match(after):
        return ["upper_bound"]
    if _LOWER.search(before) or _LOWER_AFTER.match(after):
        return ["lower_bound"]
    return []


def _negative(body: str, chosen: ParsedQuantity) -> bool:
    return re.search(r"(?:^|[\s(:=])[-−–]$", body[: chosen.start]) is not None
