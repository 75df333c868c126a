"""Questions with their true answers, one form for every benchmark, and answers as models gave them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vlm.evaluation.images import ItemImage


class Kind(StrEnum):
    """What kind of answer an item asks for."""

    NUMBER = "number"
    BOOL = "bool"
    CHOICE = "choice"
    CLOCK = "clock"
    POINT = "point"
    BOX = "box"
    TEXT = "text"


@dataclass(frozen=True)
class Truth:
    """The true answer; an item sets what its kind is held against.

    `value_si` is in `unit_si` (m, rad, m2, m3, ratio or count), `choice` an index of the options, `clock_h` an hour in
    (0, 12]; `polygon` and `box` (left, top, right, bottom) are shares of width and height, and any non-zero pixel of
    `mask` is inside. `texts` are the answers of all humans.
    """

    value_si: float | None = None
    unit_si: str | None = None
    side: str | None = None
    yes: bool | None = None
    choice: int | None = None
    clock_h: float | None = None
    texts: tuple[str, ...] = ()
    polygon: tuple[tuple[float, float], ...] = ()
    mask: ItemImage | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Item:
    """A question about images.

    `number` is the row it was read from, `type_id` the question type or task, `asked_unit` the unit of a number
    without one, `sides` the words that a side is one of (of a choice the one asked for), `kinds` the nouns of the
    objects asked about, `distance_m` the distance of the nearer object; rotations of one multiple-choice question share
    `circular_group`, an item and its mirror image `flip_group`, and questions about one image `image` where
    that is known. `part` is the part of the benchmark that its own total weighs.
    """

    item_id: str
    number: int
    source: str
    kind: Kind
    type_id: str
    question: str
    answer: str
    truth: Truth
    images: tuple[ItemImage, ...] = ()
    options: tuple[str, ...] = ()
    asked_unit: str | None = None
    sides: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    distance_m: float | None = None
    circular_group: str | None = None
    flip_group: str | None = None
    part: str | None = None
    image_id: str | None = None
    size_px: tuple[int, int] | None = None

    @property
    def prompt(self) -> str:
        """Return the question, with one lettered option per line unless it spells them out itself."""
        if not self.options or all(option in self.question for option in self.options):
            return self.question
        lines = [f"{chr(ord('A') + place)}. {option}" for place, option in enumerate(self.options)]
        return "\n".join([self.question, *lines])


@dataclass(frozen=True)
class Rejected:
    """A row that is no item, with one sentence that says why."""

    number: int
    reason: str


@dataclass(frozen=True)
class ItemSet:
    """The items of one file or folder, and the rows that are none."""

    items: list[Item]
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What a model said to an item, named by `item_id` or, where the harness counts rows, by `number`."""

    text: str
    item_id: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class AnswerSet:
    """The answers of one model, and the rows that are none."""

    model: str
    answers: list[Answer]
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """What a parser made of an answer: `value` is None where it found none.

    `value` is a float in the truth's unit, a bool, an index of the options, an hour, (x, y), (left, top, right, bottom)
    or a text, by the kind of the item.
    """

    parser: str
    parser_version: str
    value: Any = None
    side: str | None = None
    flags: tuple[str, ...] = ()
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Prediction:
    """An item, what a model said, and what was read out of it; not `given` where it said nothing at all."""

    model: str
    item: Item
    raw: str
    reading: Reading
    given: bool = True

    @property
    def parsed(self) -> bool:
        """Return whether the answer could be read."""
        return self.reading.value is not None
