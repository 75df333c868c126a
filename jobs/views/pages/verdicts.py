"""Whether two answers to one question agree, and counts of such verdicts.

The rule is defined only here: in Python for pairs of answers, and in SQL for whole tables.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.views.pages.wording import counted, percent
from udfs.questions.registry import unsaid_variants

AGREE_FACTOR = 1.25
OFF_FACTOR = 2.0
AGREE_DEG = 15.0
COMPARED_COLUMNS = ("answer_kind", "answer_bool", "answer_object_id", "side", "value_si", "unit_si", "rounding_rule")


class Verdict(StrEnum):
    """How another lake's answer compares with an answer.

    `agree` is agreement in every word: the answer, the names of the objects and the surface. `misnamed` is an answer
    that does not contradict, about an object that the other lake calls something else. `off` is a number that
    disagrees but lies within a factor of two; `missing` means that the other lake has no such object, `unseen` that it
    did not measure the image.
    """

    AGREE = "agree"
    MISNAMED = "misnamed"
    OFF = "off"
    CONTRADICT = "contradict"
    UNDECIDED = "undecided"
    MISSING = "missing"
    UNSEEN = "unseen"


# Kinds of answers that agree where they state the same word.
_WORDED = ("text", "refuse")


@dataclass(frozen=True)
class SecondAnswer:
    """The other lake's answer as text, and why there is none; `ratio` is the first number over the second.

    It is infinite where the two say opposite sides, and None where there are no two numbers. `variant` and `value_si`
    are what the other lake measured, where it answers with a number.
    """

    verdict: Verdict
    text: str
    ratio: float | None = None
    why: str = ""
    variant: str = ""
    value_si: float | None = None


def agrees(answer: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two answers about the same objects, both with `COMPARED_COLUMNS`, agree.

    Yes or no: the same. A choice: the same object for the same side, or the other object for the other side. A
    direction: within 15 degrees; straight ahead counts as 0. Any other number: the same side, and the larger at most
    1.25 times the smaller; "it rests on the floor" agrees with itself alone. A word: the same.
    `agrees_sql` says so, too.
    """
    if answer["answer_kind"] == "bool":
        return answer["answer_bool"] == other["answer_bool"]
    if answer["answer_kind"] == "choice":
        same_object = answer["answer_object_id"] == other["answer_object_id"]
        return same_object == (answer["side"] == other["side"])
    same_side = answer["side"] == other["side"]
    if answer["answer_kind"] in _WORDED:
        return same_side
    if answer["unit_si"] == "rad":
        return _apart_rad(answer, other) <= math.radians(AGREE_DEG)
    same = same_side and unsaid_of(answer) == unsaid_of(other)
    return same and (bool(unsaid_of(answer)) or is_within(answer["value_si"], other["value_si"], AGREE_FACTOR))


def agrees_sql(a: str, b: str) -> str:
    """Return `agrees` as a SQL expression over the rows `a` and `b` of `qa_pairs`."""
    words = ", ".join(f"'{word}'" for word in unsaid_variants())
    unsaid = [f"CASE WHEN {row}.rounding_rule IN ({words}) THEN {row}.rounding_rule ELSE '' END" for row in (a, b)]
    sides = [f"coalesce({row}.side, '')" for row in (a, b)]
    off = [f"CASE WHEN {word} <> '' THEN 0.0 ELSE {row}.value_si END" for row, word in zip((a, b), unsaid, strict=True)]
    worded = ", ".join(f"'{kind}'" for kind in _WORDED)
    larger, smaller = (f"{pick}({a}.value_si, {b}.value_si)" for pick in ("greatest", "least"))
    return f"""CASE {a}.answer_kind
  WHEN 'bool' THEN {a}.answer_bool = {b}.answer_bool
  WHEN 'choice' THEN ({a}.answer_object_id = {b}.answer_object_id) = ({sides[0]} = {sides[1]})
  ELSE CASE WHEN {a}.answer_kind IN ({worded}) THEN {sides[0]} = {sides[1]}
    WHEN {a}.unit_si = 'rad' THEN
      CASE WHEN {a}.side <> {b}.side THEN {a}.value_si + {b}.value_si
        ELSE abs({off[0]} - {off[1]}) END <= {math.radians(AGREE_DEG)!r}
    ELSE {sides[0]} = {sides[1]} AND {unsaid[0]} = {unsaid[1]}
      AND ({unsaid[0]} <> '' OR {larger} <= {AGREE_FACTOR} * {smaller}) END END"""


def unsaid_of(answer: Mapping[str, Any]) -> str:
    """Return the word that an answer says instead of its number, such as "rests"; empty if it says the number."""
    rule = answer["rounding_rule"]
    return rule if rule in unsaid_variants() else ""


def is_within(one: float, other: float, factor: float) -> bool:
    """Return whether the larger of two numbers >= 0 is at most `factor` times the smaller."""
    return max(one, other) <= factor * min(one, other)


def _apart_rad(answer: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    one, two = (0.0 if unsaid_of(row) else row["value_si"] for row in (answer, other))
    opposite = answer["side"] and other["side"] and answer["side"] != other["side"]
    return one + two if opposite else abs(one - two)


# verdict: mark, words after a count, what it means
_WORDS = {
    Verdict.AGREE: (
        "✓",
        "agree in every word",
        "The same names, surface and answer; numbers within a factor of 1.25, directions within 15°",
    ),
    Verdict.MISNAMED: ("≠", "name a thing otherwise", "The other lake calls an object of the question something else"),
    Verdict.OFF: ("≈", "within a factor of two", "Numbers on the same side, beyond 25 % and within a factor of two"),
    Verdict.CONTRADICT: ("✕", "contradict", "Another answer, side or surface; a number beyond a factor of two"),
    Verdict.UNDECIDED: ("?", "not decided there", "The other lake's geometry does not decide the question"),
    Verdict.MISSING: ("∅", "about a missing object", "The other lake has no such object"),
    Verdict.UNSEEN: ("–", "not measured there", "The other lake has no scene of the image"),
}


@dataclass(frozen=True)
class Part:
    """The answers of one verdict: how many, their share, and how pages mark and explain them."""

    verdict: str
    mark: str
    words: str
    meaning: str
    count: int
    share: float


class VerdictCounts:
    """The verdicts on many answers, and how close their numbers are."""

    def __init__(self, answers: Sequence[SecondAnswer]) -> None:
        self._counts = Counter(answer.verdict for answer in answers)
        self.total = len(answers)
        ratios = [answer.ratio for answer in answers if answer.ratio is not None]
        self.numbers = len(ratios)
        self.within_25 = sum(is_within(ratio, 1.0, AGREE_FACTOR) for ratio in ratios)
        self.within_2 = sum(is_within(ratio, 1.0, OFF_FACTOR) for ratio in ratios)

    def __getitem__(self, verdict: Verdict) -> int:
        """Return how many answers have a verdict."""
        return self._counts[verdict]

    @property
    def parts(self) -> list[Part]:
        """Return the verdicts that occur, agreement first."""
        return [
            Part(str(verdict), *words, self._counts[verdict], self._counts[verdict] / self.total)
            for verdict, words in _WORDS.items()
            if self._counts[verdict]
        ]

    @property
    def headline(self) -> str:
        """Return how many answers agree in every word, as a sentence without a period; empty without answers."""
        if not self.total:
            return ""
        right = self._counts[Verdict.AGREE]
        return f"{right:,} of {counted(self.total, 'answer')} ({percent(right / self.total)}) agree in every word"

    @property
    def numbers_text(self) -> str:
        """Return how close the numbers are, in words; empty without numbers."""
        if not self.numbers:
            return ""
        close = f"{self.within_25} of {self.numbers} numbers within 25 %"
        return f"{close}, {self.within_2} within a factor of two"

    def __str__(self) -> str:
        """Return all of it as one line."""
        counts = ", ".join(f"{part.count:,} {part.words}" for part in self.parts) or "no answers to compare"
        return f"{counts}; {self.numbers_text}" if self.numbers else counts


def mark_of(verdict: Verdict) -> str:
    """Return the sign that pages set beside an answer of a verdict."""
    return _WORDS[verdict][0]
