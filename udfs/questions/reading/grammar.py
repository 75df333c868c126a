"""The grammar of questions: every type's wordings, and its words of free English in the forms that types share.

Sentences are rows of words in which names are replaced, as in how, tall, is, @0; see `udfs.language.patterns`.
"""

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from udfs.language.patterns import NAME, Pattern, Patterns
from udfs.language.words import words_of
from udfs.questions.question_type import AnswerKind, QuestionType
from udfs.questions.reading.stated import ME, WHO
from udfs.questions.registry import askable_types, scene_types
from udfs.questions.rule import SceneRule
from udfs.questions.wordings import asks_by_variant, free_ways, free_words, grammar_text, precise_questions, questions

Sentence = tuple[str, ...]

_PART = re.compile(r"<(\w+)>")
_SLOT = re.compile(r"\{[A-Z]\}")
_WHAT, _WHERE = "{what}", "{where}"
_SURFACES = {"ground": "floor", "tabletop": "table top"}
_MAX_STRIPS = 12


class Found(NamedTuple):
    """What a sentence asks: the type, the variant where it says one, the numbers of the names in order, the surface.

    `asks_first` says that it is "is A closer than B?" about a choice.
    """

    kind: QuestionType
    variant: str | None
    slots: tuple[int, ...]
    surface: str | None = None
    asks_first: bool = False


class Form(NamedTuple):
    """A pattern that asks for a type."""

    kind: QuestionType
    variant: str | None
    pattern: Pattern
    text: str
    asks_first: bool


class _Wording(NamedTuple):
    kind: QuestionType
    variant: str | None
    order: tuple[str, ...]
    surface: str | None


@dataclass(frozen=True)
class Grammar:
    """All wordings by their words with "@" for names, all forms by number of objects, and what both may be wrapped in.

    `known` holds every word of the grammar, `free` those of the free English about objects alone.
    """

    wordings: Mapping[Sentence, list[_Wording]]
    forms: Mapping[int, list[Form]]
    before: tuple[Pattern, ...]
    after: tuple[Pattern, ...]
    between: frozenset[str]
    known: frozenset[str]
    free: frozenset[str]

    def worded(self, sentence: Sentence) -> Iterator[Found]:
        """Yield what a sentence asks that is in a type's own wordings."""
        names = [word for word in sentence if word.startswith(NAME) and word not in (WHO, ME)]
        numbers = frozenset(names)
        for said in self.wordings.get(tuple(NAME if word in numbers else word for word in sentence), ()):
            slots = dict(zip(said.order, names, strict=True))
            # Some name an object twice.
            if all(slots[slot] == name for slot, name in zip(said.order, names, strict=True)):
                yield Found(said.kind, said.variant, _numbers(slots), said.surface)

    def found(self, sentence: Sentence) -> Iterator[Found]:
        """Yield what a sentence may ask: by a type's own wordings first, then by free English."""
        yield from self.worded(sentence)
        names = [word for word in sentence if word.startswith(NAME) and word not in (WHO, ME)]
        words = frozenset(sentence).difference(names, (WHO, ME))
        for form in self.forms.get(len(names), ()):
            # A sentence of other words is not worth comparing.
            if words <= form.pattern.words and (slots := form.pattern.match(sentence)) is not None:
                surface = slots.pop("surface", None)
                slots = {name: word for name, word in slots.items() if len(name) == 1}
                named = _SURFACES.get(surface, surface) if surface else None
                yield Found(form.kind, form.variant, _numbers(slots), named, form.asks_first)

    def shorter(self, sentence: Sentence) -> Iterator[Sentence]:
        """Yield a sentence, then what is left of it step by step without what may stand before, after and between."""
        yield sentence
        for _ in range(_MAX_STRIPS):
            shorter = self._without_start(sentence) or self._without_end(sentence)
            if not shorter:
                break
            sentence = shorter
            yield sentence
        plain = tuple(word for word in sentence if word not in self.between)
        if plain != sentence:
            yield plain

    def _without_start(self, sentence: Sentence) -> Sentence:
        """Return a sentence without what may stand before a question, empty where nothing does."""
        able = (pattern for pattern in self.before if sentence[0] in pattern.words)
        size = max((pattern.longest_start(sentence) for pattern in able), default=0)
        return sentence[size:] if size else ()

    def _without_end(self, sentence: Sentence) -> Sentence:
        for start in range(1, len(sentence)):
            end = sentence[start:]
            able = (pattern for pattern in self.after if pattern.words.issuperset(end))
            if any(pattern.match(end) is not None for pattern in able):
                return sentence[:start]
        return ()


@cache
def grammar() -> Grammar:
    """Return the grammar over all types that can be asked for, built once.

    Raises:
        BadPattern: a pattern of a type cannot be read.
        NoWordings: a type has no file.
    """
    shared = grammar_text()
    parts = {name: " ".join(text.split()) for name, text in shared["parts"].items()}
    patterns = Patterns(parts)
    wordings: dict[Sentence, list[_Wording]] = {}
    forms: dict[int, list[Form]] = {}
    for kind in askable_types():
        for words, said in _wordings_of(kind):
            wordings.setdefault(words, []).append(said)
        forms.setdefault(kind.objects, []).extend(_forms_of(kind, shared["forms"], parts, patterns))
    own = [pattern.words for some in forms.values() for pattern in (form.pattern for form in some)]
    for kind in scene_types():
        for words, said in _scene_wordings(kind, shared["sides"]):
            wordings.setdefault(words, []).append(said)
        for form in _ways_of(kind, patterns):
            forms.setdefault(len(set(_SLOT.findall(form.text))), []).append(form)
    precise = [
        [" ".join(words_of(text)) for text in wording.text.split("{question}")] for wording in precise_questions()
    ]
    before = [patterns.read(text) for text in (*shared["before"], *(start for start, _ in precise if start))]
    after = [patterns.read(text) for text in (*shared["after"], *(end for _, end in precise if end))]
    between = frozenset(shared["between"].split("|"))
    free = between.union(*own, *(pattern.words for pattern in (*before, *after)))
    own = [form.pattern.words for some in forms.values() for form in some]
    return Grammar(
        wordings=wordings,
        forms=forms,
        before=tuple(before),
        after=tuple(after),
        between=between,
        known=free.union(*own, *wordings, (WHO, ME)),
        free=free,
    )


def _numbers(slots: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(slots[name].removeprefix(NAME)) for name in sorted(slots))


def _wordings_of(kind: QuestionType) -> Iterator[tuple[Sentence, _Wording]]:
    variants = tuple(kind.variants) if asks_by_variant(kind.type_id) else (None,)
    for variant in variants:
        for wording in questions(kind.type_id, variant):
            yield from _spelled(kind, variant, wording.text)


def _spelled(kind: QuestionType, variant: str | None, text: str) -> Iterator[tuple[Sentence, _Wording]]:
    fields = [(words_of(part), name) for part, name, _, _ in string.Formatter().parse(text)]
    order = tuple(name for _, name in fields if name and name.isupper() and len(name) == 1)
    for surface in ("floor", "table top", "surface", *_SURFACES) if "{surface}" in text else (None,):
        filled = {"surface": tuple((surface or "").split()), "WHO": (WHO,)}
        rows = [(*part, *(filled.get(name, (NAME,)) if name else ())) for part, name in fields]
        named = _SURFACES.get(surface, surface) if surface else None
        yield tuple(word for row in rows for word in row), _Wording(kind, variant, order, named)


def _forms_of(
    kind: QuestionType, shared: Mapping[str, list[str]], parts: Mapping[str, str], patterns: Patterns
) -> Iterator[Form]:
    """Yield the forms that ask for a type."""
    for variant, classes in free_words(kind.type_id).items():
        own = {**parts, **{name: "|".join(texts) for name, texts in classes.items()}}
        read = Patterns(own).read
        for text in shared[str(kind.answer_kind)]:
            if len(_SLOT.findall(text)) == kind.objects and set(_PART.findall(text)) <= own.keys():
                asks_first = kind.answer_kind == AnswerKind.CHOICE and "<than>" in text
                yield Form(kind, variant, read(text), text, asks_first)
    yield from _ways_of(kind, patterns)


def _scene_wordings(kind: QuestionType, sides: Mapping[str, str]) -> Iterator[tuple[Sentence, _Wording]]:
    """Yield the wordings of a type with what a question states as its sign, or with another object in its place."""
    stating = kind.rule.stating if isinstance(kind.rule, SceneRule) else None
    for wording in questions(kind.type_id):
        texts: list[tuple[str, str | None]] = [(wording.text, None)]
        if _WHAT in wording.text:
            texts = [(wording.text.replace(_WHAT, " {WHO} "), None)] if stating else []
            if stating is None or stating.things < kind.objects:
                texts.append((wording.text.replace(_WHAT, "{B}"), None))
        elif _WHERE in wording.text:
            texts = [(wording.text.replace(_WHERE, where), side) for side, where in sides.items()]
        for text, variant in texts:
            yield from _spelled(kind, variant, text)


def _ways_of(kind: QuestionType, patterns: Patterns) -> Iterator[Form]:
    """Yield the forms that are a type's alone."""
    for variant, texts in free_ways(kind.type_id).items():
        for text in texts:
            asks_first = kind.answer_kind == AnswerKind.CHOICE and text.startswith("<is>")
            yield Form(kind, variant, patterns.read(text), text, asks_first)
