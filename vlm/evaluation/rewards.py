"""Rewards of completions by the evaluation's own parsers and tolerances, from the columns of one row of truth."""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from udfs.questions.question_type import AnswerKind
from udfs.questions.registry import question_types, unsaid_variants
from vlm.evaluation.images import ItemImage
from vlm.evaluation.item_builders import unit_of_bare_numbers
from vlm.evaluation.items import Item, Kind, Prediction, Reading, Truth
from vlm.evaluation.reading.answer import read
from vlm.evaluation.reading.direction import parse_side
from vlm.evaluation.reading.marked import answer_part
from vlm.evaluation.reading.plain_text import without_reasoning
from vlm.evaluation.reading.pointing import parse_points
from vlm.evaluation.reading.precedence import sentences
from vlm.evaluation.scores.numbers import relative_accuracy
from vlm.evaluation.scores.success import success

Columns = Mapping[str, Any]

# What a reader of a number had to assume or to choose.
_DOUBTS = frozenset(("several", "range", "no_unit", "upper_bound", "lower_bound", "negative"))
_LETTER = re.compile(r"\(?[A-Z][).]?", re.IGNORECASE)
_LETTER_FORM = "letter"
# Of longer completions, as an untrained model repeats itself, only the end is read, which keeps parsing fast.
MAX_CHARACTERS = 1_000


def text_of(completion: Any) -> str:
    """Return what a completion says: a text, or the last message of a conversation by its text parts."""
    content = completion
    if not isinstance(completion, str):
        content = completion[-1].get("content") if completion else None
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type", "text") == "text")
    return content or ""


def _end_of(text: str) -> str:
    """Return a text; of a long one the end of what follows its reasoning."""
    return text if len(text) <= MAX_CHARACTERS else without_reasoning(text).strip()[-MAX_CHARACTERS:]


def number(row: Columns, text: str) -> float | None:
    """Return the mean relative accuracy of a length, area, ratio or count, and 1 for an angle within 15 degrees.

    Where the true answer states a side, an answer with the other one or none gets 0. None for the true value 0, which
    has no ratio, and where the true answer states no number.
    """
    item = _number_item(row)
    if item is None:
        return None
    reading = read(item, text)
    truth = item.truth
    if reading.value is None or truth.value_si is None or not _on_side(reading, item):
        return 0.0
    if truth.unit_si == "rad":
        return success(_prediction(item, text, reading))
    return relative_accuracy(reading.value, truth.value_si)


def relation(row: Columns, text: str) -> float | None:
    """Return 1 for the right yes or no, else 0."""
    return _success(_relation_item(row), text)


def choice(row: Columns, text: str) -> float | None:
    """Return 1 for the right option, by its letter or its text, else 0."""
    return _success(_choice_item(row), text)


def point(row: Columns, text: str) -> float | None:
    """Return 1 if the first point lies in the mask, polygon or box, edges included, else 0."""
    return _success(_point_item(row), text)


def form(row: Columns, text: str) -> float | None:
    """Return 1 for one sentence that can be read as the kind of answer that is asked for, without doubt, else 0.

    A number needs a unit and no second number or range beside it, a point no second point, and an answer of the form
    `letter` is nothing but the letter. Reasoning in `<think>` does not count. What is said may be wrong.
    """
    item = _item_of(row)
    if item is None:
        return None
    said = answer_part(text).text.strip()
    reading = read(item, text)
    if reading.value is None or _DOUBTS & set(reading.flags) or len(sentences(said)) > 1:
        return 0.0
    if row.get("answer_form") == _LETTER_FORM:
        return float(_LETTER.fullmatch(said) is not None)
    if item.kind == Kind.POINT:
        return float(len(parse_points(text, size_px=item.size_px)) == 1)
    return 1.0


def has_truth(row: Columns) -> bool:
    """Return whether a row has a truth by which a completion can be rewarded."""
    return _item_of(row) is not None


def _item_of(row: Columns) -> Item | None:
    return next((item for make in _ITEMS if (item := make(row)) is not None), None)


def _success(item: Item | None, text: str) -> float | None:
    return None if item is None else success(_prediction(item, text, read(item, text)))


def _prediction(item: Item, text: str, reading: Reading) -> Prediction:
    return Prediction(model="", item=item, raw=text, reading=reading)


def _on_side(reading: Reading, item: Item) -> bool:
    """Return whether an answer states the true side, if the true answer does; "straight ahead" has none.

    Without a true answer only the other side is wrong. A true answer may state the side of the other object ("B is the
    farther one"), and says nothing of the side then.
    """
    side = item.truth.side
    if side is None or reading.side == side or "straight_ahead" in reading.flags:
        return True
    return parse_side(item.answer, item.sides) != side if item.answer else reading.side is None


def _number_item(row: Columns) -> Item | None:
    value, unit, side = row.get("value_si"), row.get("unit_si") or "m", row.get("side")
    if value is None or not _asks_for(row, AnswerKind.NUMBER):
        return None
    if row.get("rounding_rule") in unsaid_variants() or (value <= 0 and unit != "rad"):
        return None
    return _item(
        row,
        Kind.NUMBER,
        Truth(value_si=float(value), unit_si=unit, side=side),
        sides=_sides_of(side),
        asked_unit=unit_of_bare_numbers(_question(row), unit),
    )


def _relation_item(row: Columns) -> Item | None:
    yes = row.get("answer_bool")
    if yes is None or not _asks_for(row, AnswerKind.BOOL):
        return None
    return _item(row, Kind.BOOL, Truth(yes=bool(yes)))


def _choice_item(row: Columns) -> Item | None:
    right, names = row.get("choice"), tuple(row.get("options") or row.get("references") or ())
    if right is None and row.get("answer_object_id") is not None:
        called = dict(zip(row["object_ids"], row["references"], strict=True))
        right = names.index(called[int(row["answer_object_id"])])
    if right is None or not _asks_for(row, AnswerKind.CHOICE):
        return None
    return _item(row, Kind.CHOICE, Truth(choice=int(right)), options=names)


def _point_item(row: Columns) -> Item | None:
    polygon, box, mask = row.get("polygon"), row.get("box"), row.get("mask")
    if not polygon and not box and mask is None:
        return None
    truth = Truth(
        polygon=tuple((float(x), float(y)) for x, y in polygon or ()),
        box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])) if box else None,
        mask=None if mask is None else ItemImage(data=_encoded(mask)),
    )
    return _item(row, Kind.POINT, truth, size_px=_size_px(row))


_ITEMS: tuple[Callable[[Columns], Item | None], ...] = (_choice_item, _relation_item, _number_item, _point_item)


def _asks_for(row: Columns, kind: AnswerKind) -> bool:
    return row.get("answer_kind") in (None, kind)


def _item(row: Columns, kind: Kind, truth: Truth, **known: Any) -> Item:
    return Item(
        item_id="",
        number=0,
        source="",
        kind=kind,
        type_id="",
        question=_question(row),
        answer=str(row.get("answer") or ""),
        truth=truth,
        **known,
    )


def _question(row: Columns) -> str:
    """Return the question: its column, or what a prompt, plain or conversational, says last."""
    return row.get("question") or text_of(row.get("prompts") or "")


@cache
def _sides_of(side: str | None) -> tuple[str, ...]:
    """Return both sides of the question types that have this one."""
    pairs = [kind.sides for kind in question_types().values() if side in kind.sides]
    return pairs[0] if pairs else ((side,) if side else ())


def _size_px(row: Columns) -> tuple[int, int] | None:
    """Return width and height of the image that the model saw, if the row has them or the image."""
    if row.get("width") and row.get("height"):
        return int(row["width"]), int(row["height"])
    image = row.get("image")
    return image.size if isinstance(image, Image.Image) else None


def _encoded(mask: Any) -> bytes:
    """Return a mask as the bytes of an image file: those, a cell of a Parquet file, or a decoded image."""
    if isinstance(mask, Mapping):
        return mask["bytes"]
    if isinstance(mask, Image.Image):
        held = io.BytesIO()
        mask.save(held, "PNG")
        return held.getvalue()
    return mask


def rewards(
    grade: Callable[[Columns, str], float | None], completions: Sequence[Any], columns: Mapping[str, Sequence[Any]]
) -> list[float | None]:
    """Return the reward of every completion; `columns` hold one value for each."""
    names = list(columns)
    rows = zip(*columns.values(), strict=True) if columns else [()] * len(completions)
    return [
        grade(dict(zip(names, map(_known, row), strict=True)), _end_of(text_of(completion)))
        for completion, row in zip(completions, rows, strict=True)
    ]


def _known(value: Any) -> Any:
    """Return a value as plain Python; pandas has arrays for lists and NaN for null."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value
