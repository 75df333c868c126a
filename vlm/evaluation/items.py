"""Items (questions with true answers) in one form for all benchmarks, and predictions."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vlm.evaluation.images import ItemImage


class Kind(StrEnum):
    """The kind of answer that an item asks for."""

    NUMBER = "number"
    BOOL = "bool"
    CHOICE = "choice"
    CLOCK = "clock"
    POINT = "point"
    BOX = "box"
    TEXT = "text"


@dataclass(frozen=True)
class Truth:
    """The true answer; an item sets the fields that belong to its kind.

    `value_si` is in `unit_si` (m, rad, m2, m3, ratio or count), `choice` an index of the options, `clock_h` an hour in
    (0, 12]; `polygon` and `box` (left, top, right, bottom) are fractions of width and height, and non-zero pixels of
    `mask` are inside. `texts` are the answers of all humans.
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

    `number` is its row in the file, `type_id` the question type or task, `asked_unit` the unit of numbers without one,
    `sides` the possible sides (for a choice, the one asked for), `kinds` the nouns of the objects, and `distance_m` the
    distance of the nearer object. Rotations of a multiple-choice question share `circular_group`, an item and its
    mirror image `flip_group`, and questions about one image `image_id`. `part` is the part of a benchmark that its own
    total weights.
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
    """A rejected row, with the reason in one sentence."""

    number: int
    reason: str


@dataclass(frozen=True)
class ItemSet:
    """The items of one file or folder, and the rejected rows."""

    items: list[Item]
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """A model's answer to an item, identified by `item_id` or, for harnesses that count rows, by `number`."""

    text: str
    item_id: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class AnswerSet:
    """The answers of one model, the rejected rows, and the column of the file that holds the answers."""

    model: str
    answers: list[Answer]
    rejected: list[Rejected] = field(default_factory=list)
    column: str | None = None


@dataclass(frozen=True)
class Reading:
    """A parsed answer; `value` is None if nothing was found.

    Depending on the kind of the item, `value` is a float in the truth's unit, a bool, the index of an option, an hour,
    (x, y), (left, top, right, bottom) or a text.
    """

    parser: str
    parser_version: str
    value: Any = None
    side: str | None = None
    flags: tuple[str, ...] = ()
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Prediction:
    """An item with a model's raw and parsed answer; not `given` if the model did not answer."""

    model: str
    item: Item
    raw: str
    reading: Reading
    given: bool = True

    @property
    def parsed(self) -> bool:
        """Return whether the answer was parsed."""
        return self.reading.value is not None
