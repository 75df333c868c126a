"""Reads a question in words: its type, the objects that it names, and the unit that it asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import NamedTuple

from udfs.language.naming import NOBODY, SceneNames, numbered
from udfs.language.patterns import NAME
from udfs.language.units import UNITS, NamedUnit
from udfs.language.vocabulary import vocabulary
from udfs.language.words import words_of
from udfs.questions.question_type import QuestionType
from udfs.questions.reading.grammar import Found, Grammar, Sentence, grammar
from udfs.questions.refusals import NotAnswered, NotUnderstood, WhyNot
from udfs.questions.wordings import lettered_questions

_MAX_NAME = 10
_MAX_WORDS = 80
# What the viewer and the support are called is no name of an object.
_RESERVED = frozenset(
    ("camera", "viewer", "observer", "photographer", "lens", "viewpoint", "floor", "ground", "table top", "tabletop")
)
_ARTICLES = frozenset(("a", "an", "the", "this", "that", "my", "your", "his", "her", "their", "our"))
# No name goes on over one of these.
_VERBS = frozenset(("is", "are", "than", "does", "do", "which", "what", "how", "where", "if", "whether"))
# Joints of sentences, and words for things that a sentence alone does not tell.
_JOINTS = frozenset(("and", "or", "'s"))
_PRONOUNS = frozenset(
    ("it", "them", "they", "he", "she", "him", "me", "you", "us", "i", "we", "everything", "anything")
)
_NO_NAMES = _JOINTS | _PRONOUNS


@dataclass(frozen=True)
class Reading:
    """A question that was read: its type and the ids of its objects in the order of the type's definition.

    `variant` is what the wording asks for where the type is asked by variant, such as "shorter"; `surface` the support
    that it names; `unit` the unit that it wants. `asks_first` says that a choice was asked as "is A closer than B?",
    and `options` are the ids of the lettered options A and B.
    """

    kind: QuestionType
    object_ids: tuple[int, ...]
    variant: str | None = None
    unit: NamedUnit | None = None
    surface: str | None = None
    asks_first: bool = False
    options: tuple[int, int] | None = None


class _Name(NamedTuple):
    """Words that may be a name, the places from start to end where they stand, and the ids of what they may mean."""

    words: Sentence
    places: tuple[tuple[int, int], ...]
    ids: frozenset[int]

    @property
    def covered(self) -> int:
        """How many words of the sentence it takes."""
        return len(self.words) * len(self.places)


def read_question(names: SceneNames, question: str) -> Reading:
    """Return what a question about the things of an image asks.

    Raises:
        NotUnderstood: the grammar does not read it.
        NotAnswered: it names a thing that the image does not hold, or that could be several.
    """
    asked, lettered = _unlettered(question)
    words = words_of(asked)
    if len(words) > _MAX_WORDS:
        raise NotUnderstood(f"The question has {len(words)} words; ask in at most {_MAX_WORDS}.")
    ways = [(said, sentence, unit) for sentence, unit in _units(words) for said in _segmentations(names, sentence)]
    for said, sentence, unit in sorted(ways, key=lambda way: _order(way[0])):
        found = _found(sentence, said)
        if found is not None:
            ids = tuple(object_named(names, said[slot].words) for slot in found.slots)
            options = tuple(object_named(names, text) for text in lettered)
            both = (options[0], options[1]) if options else None
            return Reading(found.kind, ids, found.variant, unit, found.surface, found.asks_first, both)
    raise NotUnderstood(f'"{question.strip()[:200]}" is no question that can be read.')


def object_named(names: SceneNames, name: int | str | Sequence[str]) -> int:
    """Return the id of the one thing that a name, its words or an id means.

    Raises:
        NotAnswered: none, or several.
    """
    if isinstance(name, int):
        name = f"object {name}"
    words = words_of(name) if isinstance(name, str) else tuple(name)
    ids = names.meant(words) or names.meant(words, strictly=False)
    said = " ".join(words)
    if not ids:
        there = _listed([names.called(one) for one in sorted(names.things)])
        raise NotAnswered(WhyNot.NOT_FOUND, f'Nothing here is called "{said}"; there is {there}.')
    if len(ids) > 1:
        candidates = _listed([names.called(one) for one in sorted(ids)], "or")
        raise NotAnswered(WhyNot.AMBIGUOUS, f'"{said}" may mean {candidates}; name one of them.')
    return next(iter(ids))


def _listed(names: list[str], joint: str = "and") -> str:
    shown = names[:12]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return f" {joint} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown) or "nothing"


def _units(words: Sentence) -> Iterator[tuple[Sentence, NamedUnit | None]]:
    """Yield a sentence as it is, then without the unit that it asks for, and that unit."""
    yield words, None
    for index, word in enumerate(words):
        unit = UNITS.get(word) if word.isalpha() and word != "in" else None
        if unit is None or unit.unit_si not in ("m", "rad") or not index:
            continue
        end = index + 3 if words[index + 1 :] == ("and", "inches") else index + 1
        if words[max(0, index - 2) : index] == ("how", "many"):
            yield (*words[:index], *words[end:]), unit
        elif words[index - 1] in ("in", "using"):
            start = index - 1
            while start and words[start - 1] in ("measured", "expressed", "given", "answer", "answered", "it", "give"):
                start -= 1
            yield (*words[:start], *words[end:]), unit


def _found(sentence: Sentence, said: tuple[_Name, ...]) -> Found | None:
    """Return what a sentence asks with these names, None if nothing."""
    starts = {start: (end, number) for number, name in enumerate(said) for start, end in name.places}
    rest: list[str] = []
    at = 0
    while at < len(sentence):
        end, number = starts.get(at, (at + 1, None))
        rest.append(sentence[at] if number is None else f"{NAME}{number}")
        at = end
    rules = grammar()
    return next((found for shorter in rules.shorter(tuple(rest)) for found in rules.found(shorter)), None)


def _segmentations(names: SceneNames, sentence: Sentence) -> list[tuple[_Name, ...]]:
    """Return the ways to take one or two names from a sentence that leave only words of the grammar."""
    rules = grammar()
    unknown = {index for index, word in enumerate(sentence) if word not in rules.known}
    said = _names(names, sentence, rules)
    covers = [{at for start, end in name.places for at in range(start, end)} for name in said]
    ways: list[tuple[_Name, ...]] = [(name,) for name, cover in zip(said, covers, strict=True) if unknown <= cover]
    for (a, of_a), (b, of_b) in combinations(zip(said, covers, strict=True), 2):
        if unknown <= of_a | of_b and of_a.isdisjoint(of_b):
            ways.append((a, b))
    return ways


def _order(said: tuple[_Name, ...]) -> tuple[int, int]:
    return sum(not name.ids for name in said), -sum(name.covered for name in said)


def _names(names: SceneNames, sentence: Sentence, rules: Grammar) -> list[_Name]:
    """Return every row of words that names something in the image, or looks as if it named something."""
    places: dict[Sentence, list[tuple[int, int]]] = {}
    ids: dict[Sentence, frozenset[int]] = {}
    for start in range(len(sentence)):
        for end in range(start + 1, min(len(sentence), start + _MAX_NAME) + 1):
            words = sentence[start:end]
            if words[-1] in _VERBS:
                break
            if words not in ids:
                ids[words] = NOBODY if _bare(words) in _RESERVED else _known(names, words)
            if (ids[words] or _looks_like_name(names, words, rules)) and (
                words not in places or places[words][-1][1] <= start
            ):
                places.setdefault(words, []).append((start, end))
    return [_Name(words, tuple(found), ids[words]) for words, found in places.items()]


def _known(names: SceneNames, words: Sentence) -> frozenset[int]:
    return names.meant(words) if any(map(names.may_name, words)) else NOBODY


def _looks_like_name(names: SceneNames, words: Sentence, rules: Grammar) -> bool:
    """Return whether words that name nothing in the image could name something elsewhere."""
    own = words[1:] if words[0] in _ARTICLES else words
    if numbered(own) is not None:
        return True
    # After the name of a thing in the image comes something else than a name.
    if any(map(names.may_name, own[:-1])) or any(any(map(str.isdecimal, word)) for word in own):
        return False
    if not own or own[-1] in rules.free or not _NO_NAMES.isdisjoint(own) or own[0] in vocabulary().determiners:
        return False
    return own[-1].replace("-", "").isalpha() and (
        words is not own or words[0] not in rules.free or vocabulary().is_listed_adjective(words[0])
    )


def _bare(words: Sequence[str]) -> str:
    return " ".join(words[1:] if words[0] in _ARTICLES else words)


@cache
def _letters() -> tuple[re.Pattern[str], ...]:
    patterns = []
    for wording in lettered_questions():
        escaped = re.escape(wording.text)
        for name in ("question", "first", "second"):
            escaped = escaped.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>.+?)")
        patterns.append(re.compile(escaped, re.IGNORECASE | re.DOTALL))
    return tuple(patterns)


def _unlettered(question: str) -> tuple[str, tuple[str, ...]]:
    """Return a question without lettered options, and these."""
    for pattern in _letters():
        if match := pattern.fullmatch(question.strip()):
            return match["question"], (match["first"], match["second"])
    return question, ()
