"""Reads a question in words: its type, the objects that it names, and the unit that it asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from typing import NamedTuple

from udfs.language.naming import NOBODY, OBJECT, TOP, SceneNames, numbered
from udfs.language.patterns import NAME
from udfs.language.units import UNITS, NamedUnit
from udfs.language.vocabulary import vocabulary
from udfs.language.words import words_of
from udfs.questions.bodies import Stated
from udfs.questions.question_type import QuestionType
from udfs.questions.reading.grammar import Found, Grammar, Sentence, grammar
from udfs.questions.reading.stated import ME, WHO, Said, Unstated, stated_in, with_inches
from udfs.questions.refusals import NotAnswered, NotUnderstood, WhyNot
from udfs.questions.registry import scene_types
from udfs.questions.rule import SceneRule
from udfs.questions.wordings import lettered_questions

_MAX_NAME = 10
_MAX_WORDS = 80
_READ = (
    "ask one thing about the size, distance, order or place of things that you name, or about room, reach, sight or "
    "free space"
)
# What the viewer and the support are called is no name of an object.
_RESERVED = frozenset(
    ("camera", "viewer", "observer", "photographer", "lens", "viewpoint", "floor", "ground", "table top", "tabletop")
)
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
    and `options` are the ids of the lettered options A and B. `stated` is the length that it states, of a body of the
    table where `by_table`.
    """

    kind: QuestionType
    object_ids: tuple[int, ...]
    variant: str | None = None
    unit: NamedUnit | None = None
    surface: str | None = None
    asks_first: bool = False
    options: tuple[int, int] | None = None
    stated: Stated | None = None
    by_table: bool = False


class _Way(NamedTuple):
    """A way to take a sentence: its names, its words, the unit that it wants, and who or what it states."""

    names: "tuple[_Name, ...]"
    sentence: Sentence
    unit: NamedUnit | None = None
    stated: Said | Unstated | None = None


class _Name(NamedTuple):
    """Words that may be a name, the places from start to end where they stand, and the ids of what they may mean."""

    words: Sentence
    places: tuple[tuple[int, int], ...]
    ids: frozenset[int]

    @property
    def covered(self) -> int:
        """How many words of the sentence it takes."""
        return len(self.words) * len(self.places)


def read_wording(names: SceneNames, question: str) -> Reading:
    """Return what a question asks that is in one of the engine's own wordings, word by word.

    Raises:
        NotUnderstood, NotAnswered: as for `read_question`.
    """
    return _read(names, question, by_wordings=True)


def read_question(names: SceneNames, question: str) -> Reading:
    """Return what a question about the things of an image asks.

    Raises:
        NotUnderstood: the grammar does not read it.
        NotAnswered: it names a thing that the image does not hold, or that could be several.
    """
    return _read(names, question)


def _read(names: SceneNames, question: str, by_wordings: bool = False) -> Reading:
    asked, lettered = _unlettered(question)
    words = words_of(with_inches(asked))
    if len(words) > _MAX_WORDS:
        raise NotUnderstood(f"The question has {len(words)} words; ask in at most {_MAX_WORDS}.")
    for way in sorted(_ways(names, words), key=lambda way: _order(names, way.names)):
        found = next((kept for one in _found(way, by_wordings) if (kept := _about(names, way.names, one))), None)
        if found is not None:
            slots = zip(found.slots, _kinds(found.kind), strict=False)
            ids = tuple(object_named(names, way.names[slot].words, kind) for slot, kind in slots)
            options = tuple(object_named(names, text) for text in lettered)
            both = (options[0], options[1]) if options else None
            stated = None if way.stated is None else _stated(found.kind, way.stated)
            by_table = isinstance(way.stated, Unstated)
            return Reading(
                found.kind, ids, found.variant, way.unit, found.surface, found.asks_first, both, stated, by_table
            )
    raise NotUnderstood(f'"{question.strip()[:160]}" is no question that can be read; {_READ}.')


def _ways(names: SceneNames, words: Sentence) -> Iterator[_Way]:
    for sentence, unit in _units(words):
        for said in _segmentations(names, sentence):
            yield _Way(said, sentence, unit)
    for stated in stated_in(words):
        for said in _segmentations(names, stated.sentence):
            yield _Way(said, stated.sentence, stated=stated)


def _kinds(kind: QuestionType) -> tuple[str, ...]:
    """Return what the things of a type are, in order: objects, walls, doorways, tops."""
    own = kind.rule.of if isinstance(kind.rule, SceneRule) else ()
    return own or (OBJECT,) * kind.objects


def _about(names: SceneNames, said: tuple[_Name, ...], found: Found) -> Found | None:
    """Return what was found where its names may mean things of its kinds, or the type that is asked alike of those."""
    possible = [
        {names.kind_of(one) for one in said[slot].ids} or {OBJECT, said[slot].words[-1]} for slot in found.slots
    ]
    if all(kind in some for kind, some in zip(_kinds(found.kind), possible, strict=False)):
        return found
    for kind in scene_types():
        if found.kind.type_id in kind.asked_like:
            for order in permutations(range(len(found.slots))):
                if all(wanted in possible[place] for wanted, place in zip(_kinds(kind), order, strict=True)):
                    return Found(kind, None, tuple(found.slots[place] for place in order), found.surface)
    return None


def _stated(kind: QuestionType, said: Said | Unstated) -> Stated:
    """Return the length that a type compares, of what a question states.

    Raises:
        NotAnswered: it states another length, or the table has none for who or what it is about.
    """
    stating = kind.rule.stating if isinstance(kind.rule, SceneRule) else None
    if stating is None:
        raise NotUnderstood(f"{kind.name} compares no length that a question states.")
    word = stating.measure.removesuffix("_m")
    if isinstance(said, Unstated):
        length_m = getattr(said.body, stating.measure)
        if length_m is None:
            raise NotAnswered(WhyNot.NO_LENGTH, f'No {word} is known for {said.body.name}; state one, such as "50 cm".')
        return Stated(length_m, said.body)
    if said.measure not in (None, stating.measure):
        other = said.measure.removesuffix("_m") if said.measure else ""
        raise NotAnswered(WhyNot.NO_LENGTH, f"{kind.name} is about a {word}, and the question states a {other}.")
    return said.stated


def object_named(names: SceneNames, name: int | str | Sequence[str], kind: str | None = None) -> int:
    """Return the id of the one thing that a name, its words or an id means, of a kind where one is wanted.

    Raises:
        NotAnswered: none, or several.
    """
    if isinstance(name, int):
        name = f"object {name}"
    words = words_of(name) if isinstance(name, str) else tuple(name)
    ids = names.meant(words) or names.meant(words, strictly=False)
    if kind is not None:
        ids = frozenset(one for one in ids if names.kind_of(one) == kind)
    said = " ".join(words)
    if not ids:
        there = _listed([names.called(one) for one in sorted(names.things, key=lambda one: (one < 0, abs(one)))])
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


def _found(way: _Way, by_wordings: bool) -> Iterator[Found]:
    """Yield what a sentence may ask with its names."""
    sentence, said = way.sentence, way.names
    starts = {start: (end, number) for number, name in enumerate(said) for start, end in name.places}
    rest: list[str] = []
    at = 0
    while at < len(sentence):
        end, number = starts.get(at, (at + 1, None))
        rest.append(sentence[at] if number is None else f"{NAME}{number}")
        at = end
    rules = grammar()
    if by_wordings:
        yield from rules.worded(tuple(rest))
        return
    for shorter in rules.shorter(tuple(rest)):
        yield from rules.found(shorter)


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


def _order(names: SceneNames, said: tuple[_Name, ...]) -> tuple[int, int, int]:
    # What is asked of an object as well, such as the height of its top, is asked of the object.
    tops = sum(all(names.kind_of(one) == TOP for one in name.ids) for name in said if name.ids)
    return sum(not name.ids for name in said), tops, -sum(name.covered for name in said)


def _names(names: SceneNames, sentence: Sentence, rules: Grammar) -> list[_Name]:
    """Return every row of words that names something in the image, or looks as if it named something."""
    places: dict[Sentence, list[tuple[int, int]]] = {}
    ids: dict[Sentence, frozenset[int]] = {}
    for start in range(len(sentence)):
        for end in range(start + 1, min(len(sentence), start + _MAX_NAME) + 1):
            words = sentence[start:end]
            if words[-1] in _VERBS or words[-1] in (WHO, ME):
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
    own = words[1:] if words[0] in vocabulary().articles else words
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
    return " ".join(words[1:] if words[0] in vocabulary().articles else words)


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
