"""Parsing an answer by the kind of its item."""

import re

from vlm.evaluation.items import Answer, AnswerSet, Item, Kind, Prediction, Reading
from vlm.evaluation.reading.choice import parse_choice
from vlm.evaluation.reading.clock import parse_clock
from vlm.evaluation.reading.direction import parse_side
from vlm.evaluation.reading.marked import answer_part
from vlm.evaluation.reading.pointing import parse_box, parse_points
from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.reading.yes_no import parse_yes_no

# Increased whenever a parser reads any answer differently.
VERSION = "3"
_AHEAD = re.compile(r"\b(?:straight|directly|dead|right) ahead\b", re.IGNORECASE)


def read(item: Item, text: str) -> Reading:
    """Return the parsed answer to an item."""
    return _READERS[item.kind](item, text)


def predictions_of(items: list[Item], answers: AnswerSet) -> list[Prediction]:
    """Return a prediction per item, an empty one for an unanswered item.

    If a model answered an item twice, the later answer counts.
    """
    by_id: dict[str, Answer] = {one.item_id: one for one in answers.answers if one.item_id is not None}
    by_number: dict[int, Answer] = {one.number: one for one in answers.answers if one.number is not None}
    predictions = []
    for item in items:
        answer = by_id.get(item.item_id) or by_number.get(item.number)
        text = answer.text if answer else ""
        predictions.append(Prediction(answers.model, item, text, read(item, text), answer is not None))
    return predictions


def _number(item: Item, text: str) -> Reading:
    unit = item.asked_unit or item.truth.unit_si
    found = parse_quantity(text, unit, item.question)
    side = parse_side(text, item.sides) if item.sides else None
    if found is None:
        ahead = item.truth.unit_si == "rad" and _AHEAD.search(answer_part(text).text)
        return Reading("quantity", VERSION, 0.0 if ahead else None, side, ("straight_ahead",) if ahead else ())
    return Reading("quantity", VERSION, found.value_si, side, found.flags, found.span)


def _bool(item: Item, text: str) -> Reading:
    return Reading("yes_no", VERSION, parse_yes_no(text, item.question))


def _choice(item: Item, text: str) -> Reading:
    return Reading("choice", VERSION, parse_choice(text, item.options, item.question))


def _clock(item: Item, text: str) -> Reading:
    return Reading("clock", VERSION, parse_clock(text))


def _point(item: Item, text: str) -> Reading:
    points = parse_points(text, size_px=item.size_px)
    return Reading("point", VERSION, points[0] if points else None)


def _box(item: Item, text: str) -> Reading:
    return Reading("box", VERSION, parse_box(text, size_px=item.size_px))


def _text(item: Item, text: str) -> Reading:
    return Reading("text", VERSION, answer_part(text).text.strip() or None)


_READERS = {
    Kind.NUMBER: _number,
    Kind.BOOL: _bool,
    Kind.CHOICE: _choice,
    Kind.CLOCK: _clock,
    Kind.POINT: _point,
    Kind.BOX: _box,
    Kind.TEXT: _text,
}
