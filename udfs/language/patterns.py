"""Patterns of sentences: words, `(one|other)`, `[optional]`, `<part>`, and slots for names such as `{A}`.

A slot in lower case, such as `{surface}`, stands for the part of that name, and tells what it was. In the sentences
that patterns are compared with, names are replaced by `@` and a number: how, tall, is, @0. A slot of several capitals,
such as `{WHO}`, stands for its own sign alone: @who.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from udfs.language.words import words_of

_SIGN = re.compile(r"\{\w+\}|<\w+>|[()\[\]|]|[^\s()\[\]|<>{}]+")
_CLOSING = {"(": ")", "[": "]"}
NAME = "@"


class BadPattern(ValueError):
    """A pattern that cannot be read; the message quotes it and says what is wrong."""


class _Group(NamedTuple):
    """Alternatives, each a row of words, groups and slots."""

    rows: tuple[tuple["_Item", ...], ...]


class _Slot(NamedTuple):
    """A place for a name, or for one of the alternatives of a part."""

    name: str
    part: _Group | None


_Item = str | _Group | _Slot
_Match = tuple[int, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Pattern:
    """A pattern that was read; `words` are those that it is made of."""

    group: _Group
    words: frozenset[str]

    def match(self, sentence: Sequence[str]) -> dict[str, str] | None:
        """Return what the slots stand for in a sentence, such as "@0"; None where it is another sentence."""
        found = (names for end, names in _matches(self.group, sentence, 0) if end == len(sentence))
        return next((dict(names) for names in found), None)

    def longest_start(self, sentence: Sequence[str]) -> int:
        """Return how many words at the start of a sentence the pattern matches, 0 for none."""
        return max((end for end, _ in _matches(self.group, sentence, 0)), default=0)


class Patterns:
    """Reads patterns that share parts, which are patterns by name."""

    def __init__(self, parts: Mapping[str, str]) -> None:
        self._parts = parts
        self._read: dict[str, Pattern] = {}

    def read(self, text: str) -> Pattern:
        """Return a pattern.

        Raises:
            BadPattern: a bracket is open or closes nothing, or a part has no such name.
        """
        signs = _SIGN.findall(text)
        words: set[str] = set()
        group, end = self._group(signs, 0, words, text)
        if end != len(signs):
            raise BadPattern(f"The pattern {text!r} closes a bracket that it did not open; take {signs[end]!r} out.")
        return Pattern(group, frozenset(words))

    def part(self, name: str, pattern: str) -> Pattern:
        """Return the part of a name, which `pattern` refers to."""
        if name not in self._parts:
            raise BadPattern(f"The pattern {pattern!r} names the part {name!r}, and there is none; add or rename it.")
        if name not in self._read:
            self._read[name] = self.read(self._parts[name])
        return self._read[name]

    def _group(self, signs: Sequence[str], start: int, words: set[str], text: str) -> tuple[_Group, int]:
        rows: list[tuple[_Item, ...]] = []
        row: list[_Item] = []
        index = start
        while index < len(signs) and signs[index] not in (")", "]"):
            sign = signs[index]
            if sign == "|":
                rows.append(tuple(row))
                row = []
            elif sign in _CLOSING:
                group, index = self._group(signs, index + 1, words, text)
                if index == len(signs) or signs[index] != _CLOSING[sign]:
                    raise BadPattern(f"The pattern {text!r} does not close {sign!r}; add {_CLOSING[sign]!r}.")
                row.append(_Group((*group.rows, ())) if sign == "[" else group)
            else:
                row += self._items(sign, words, text)
            index += 1
        return _Group((*rows, tuple(row))), index

    def _items(self, sign: str, words: set[str], text: str) -> tuple[_Item, ...]:
        name = sign[1:-1]
        if sign.startswith("{") and not name.islower():
            return (_Slot(name, None),)
        if sign.startswith(("<", "{")):
            part = self.part(name, text)
            words.update(part.words)
            return (part.group if sign.startswith("<") else _Slot(name, part.group),)
        own = words_of(sign)
        words.update(own)
        return own


def _matches(group: _Group, sentence: Sequence[str], start: int) -> Iterator[_Match]:
    for row in group.rows:
        yield from _row_matches(row, 0, sentence, start)


def _row_matches(row: tuple[_Item, ...], place: int, sentence: Sequence[str], start: int) -> Iterator[_Match]:
    while place < len(row) and isinstance(item := row[place], str):
        if start == len(sentence) or sentence[start] != item:
            return
        place, start = place + 1, start + 1
    if place == len(row):
        yield start, ()
        return
    for end, names in _item_matches(row[place], sentence, start):
        for last, more in _row_matches(row, place + 1, sentence, end):
            yield last, names + more


def _item_matches(item: _Item, sentence: Sequence[str], start: int) -> Iterator[_Match]:
    if isinstance(item, _Group):
        yield from _matches(item, sentence, start)
    elif isinstance(item, _Slot) and item.part is not None:
        for end, _ in _matches(item.part, sentence, start):
            yield end, ((item.name, " ".join(sentence[start:end])),)
    elif isinstance(item, _Slot) and start < len(sentence) and _stands_for(item.name, sentence[start]):
        yield start + 1, ((item.name, sentence[start]),)


def _stands_for(slot: str, word: str) -> bool:
    if len(slot) > 1:
        return word == f"{NAME}{slot.lower()}"
    return word.startswith(NAME) and word[len(NAME) :].isdecimal()
