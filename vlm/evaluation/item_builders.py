"""Items of each kind, built from the values of a row."""

import re
from collections.abc import Sequence
from typing import Any

from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.reading.choice import parse_choice, parse_yes_no
from vlm.evaluation.reading.direction import parse_clock
from vlm.evaluation.reading.quantity import parse_quantity, unit_named
from vlm.evaluation.rows import BadRow, Row

_LETTER = re.compile(r"^\W*([A-Z])\b\W*$", re.IGNORECASE)
_OPTION = re.compile(
    r"(?:(?<=\s)|(?<=^)|(?<=,))\(?([A-H])[).:]\s*(.+?)(?=(?:[,;]?\s+\(?[A-H][).:]\s)|\n\s*\n|$)", re.DOTALL
)
_OPTIONS_START = re.compile(r"\b(?:options?|choices?)\s*:", re.IGNORECASE)
_SIDE = re.compile(r"\W*right\W*", re.IGNORECASE)
_UNIT = r"square (?:meters|metres|feet)|(?:centi|milli)?met(?:er|re)s?|cm|mm|inch(?:es)?|feet|foot|degrees|m"
_ASKED_UNIT = re.compile(rf"(?:\bin|\bhow many|\bunits?:?)\s+({_UNIT})\b|[(\[](?:in )?({_UNIT})[)\]]", re.IGNORECASE)

_UNITS_OF_BARE_NUMBERS = {"rad": "degrees", "ratio": "times"}


def choice_item(row: Row, *, options: Sequence[str], answer: str | int, **known: Any) -> Item:
    """Return a multiple-choice item; `answer` is an index, a letter such as "(B)", or the text of an option.

    Raises:
        BadRow: there are fewer than two options, or the answer is none of them.
    """
    texts = tuple(str(option).strip() for option in options)
    if len(texts) < 2:
        raise BadRow(f"has {len(texts)} options")
    index = answer if isinstance(answer, int) else _index(answer, texts)
    if index is None or not 0 <= index < len(texts):
        raise BadRow(f"has the answer {answer!r}, which is none of its {len(texts)} options")
    letter = chr(ord("A") + index)
    return Item(number=row.number, kind=Kind.CHOICE, answer=letter, truth=Truth(choice=index), options=texts, **known)


def bool_item(row: Row, *, answer: str, **known: Any) -> Item:
    """Return a yes/no item.

    Raises:
        BadRow: the answer is neither yes nor no.
    """
    yes = parse_yes_no(answer)
    if yes is None:
        raise BadRow(f"has the answer {answer!r}, which is neither yes nor no")
    return Item(number=row.number, kind=Kind.BOOL, answer=answer, truth=Truth(yes=yes), **known)


def number_item(row: Row, *, value: float, unit: str, question: str, **known: Any) -> Item:
    """Return an item with a number in `unit`; answers without a unit are read in the unit that the question names.

    Raises:
        BadRow: the true value is not above 0, so it has no ratio.
        ValueError: the unit is unknown.
    """
    named = unit_named(unit)
    if not 0 < value < float("inf"):
        raise BadRow(f"has the true value {value:g} {unit}, to which no answer has a ratio")
    truth = Truth(value_si=value * named.size, unit_si=named.unit_si)
    asked = asked_unit_of(question) or unit
    known |= {"number": row.number, "question": question, "answer": f"{value:g} {unit}".strip()}
    return Item(kind=Kind.NUMBER, truth=truth, asked_unit=asked, **known)


def answer_item(row: Row, *, question: str, answer: str, **known: Any) -> Item:
    """Return an item whose kind follows from its answer: a letter, an hour, yes or no, a quantity, or text."""
    shared = {"number": row.number, "question": question, "answer": answer, **known}
    options = options_in(question)
    if options and _index(answer, options) is not None:
        return choice_item(row, options=options, answer=answer, question=question, **known)
    if "clock" in answer and (hour := parse_clock(answer)) is not None:
        return Item(kind=Kind.CLOCK, truth=Truth(clock_h=hour), **shared)
    # "Right" is a side for "left or right?", and otherwise means yes.
    names_side = bool(_SIDE.fullmatch(answer)) and "left" in question.lower()
    if parse_yes_no(answer) is not None and not names_side:
        return bool_item(row, answer=answer, question=question, **known)
    for unit in ("m", "degrees"):
        found = parse_quantity(answer, unit)
        if found is not None and "no_unit" not in found.flags and found.value_si > 0:
            truth = Truth(value_si=found.value_si, unit_si=found.unit_si)
            asked = asked_unit_of(question) or found.unit
            return Item(kind=Kind.NUMBER, truth=truth, asked_unit=asked, **shared)
    return Item(kind=Kind.TEXT, truth=Truth(texts=(answer,)), **shared)


def turn_items(row: Row, turns: Sequence[tuple[str, str]], **known: Any) -> list[Item]:
    """Return an item per (question, answer) of a row, numbered if there are several."""
    name = row.name("id")
    ids = [name] if len(turns) == 1 else [f"{name}#{number}" for number in range(len(turns))]
    return [
        answer_item(row, item_id=item_id, question=question, answer=answer, **known)
        for item_id, (question, answer) in zip(ids, turns, strict=True)
    ]


def options_in(question: str) -> tuple[str, ...]:
    """Return the options that a question lists under the letters A, B, ..; empty without any."""
    start = _OPTIONS_START.search(question)
    found = _OPTION.findall(question[start.end() :] if start else question)
    letters = [letter for letter, _ in found]
    if len(found) < 2 or letters != [chr(ord("A") + place) for place in range(len(found))]:
        return ()
    return tuple(text.strip().rstrip(",;").strip() for _, text in found)


def asked_unit_of(question: str) -> str | None:
    """Return the unit that a question asks for, or None."""
    found = _ASKED_UNIT.search(question)
    return (found[1] or found[2]).lower() if found else None


def unit_of_bare_numbers(question: str, unit_si: str | None) -> str | None:
    """Return the unit of an answer that states none: the one asked for, or the usual one; None stands for meters."""
    return asked_unit_of(question) or _UNITS_OF_BARE_NUMBERS.get(unit_si or "")


def _index(answer: str, options: Sequence[str]) -> int | None:
    letter = _LETTER.match(answer)
    if letter:
        return ord(letter[1].upper()) - ord("A")
    return parse_choice(answer, tuple(options))
