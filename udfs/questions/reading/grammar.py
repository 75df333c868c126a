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
from udfs.questions.registry import askable_types
from udfs.questions.wordings import asks_by_variant, free_ways, free_words, grammar_text, precise_questions, questions

Sentence = tuple[str, ...]

_PART = re.compile(r"<(\w+)>")
_SLOT = re.compile(r"\{[A-Z]\}")
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

    `known` holds every word of the grammar, `free` those outside the types' own wordings.
    """

    wordings: Mapping[Sentence, list[_Wording]]
    forms: Mapping[int, list[Form]]
    before: tuple[Pattern, ...]
    after: tuple[Pattern, ...]
    between: frozenset[str]
    known: frozenset[str]
    free: frozenset[str]

    def found(self, sentence: Sentence) -> Iterator[Found]:
        """Yield what a sentence may ask: by a type's own wordings first, then by free English."""
        names = [word for word in sentence if word.startswith(NAME)]
        for said in self.wordings.get(tuple(NAME if word.startswith(NAME) else word for word in sentence), ()):
            slots = dict(zip(said.order, names, strict=True))
            # Some name an object twice.
            if all(slots[slot] == name for slot, name in zip(said.order, names, strict=True)):
                yield Found(said.kind, said.variant, _numbers(slots), said.surface)
        words = frozenset(sentence).difference(names)
        for form in self.forms.get(len(names), ()):
            # A sentence of other words is not worth comparing.
            if words <= form.pattern.words and (slots := form.pattern.match(sentence)) is not None:
                surface = slots.pop("surface", None)
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
    precise = [
        [" ".join(words_of(text)) for text in wording.text.split("{question}")] for wording in precise_questions()
    ]
    before = [patterns.read(text) for text in (*shared["before"], *(start for start, _ in precise if start))]
    after = [patterns.read(text) for text in (*shared["after"], *(end for _, end in precise if end))]
    between = frozenset(shared["between"].split("|"))
    own = [pattern.words for pattern in (*before, *after, *(form.pattern for some in forms.values() for form in some))]
    free = between.union(*own)
    return Grammar(
        wordings=wordings,
        forms=forms,
        before=tuple(before),
        after=tuple(after),
        between=between,
        known=free.union(*wordings),
        free=free,
    )


def _numbers(slots: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(slots[name].removeprefix(NAME)) for name in sorted(slots))


def _wordings_of(kind: QuestionType) -> Iterator[tuple[Sentence, _Wording]]:
    variants = tuple(kind.variants) if asks_by_variant(kind.type_id) else (None,)
    for variant in variants:
        for wording in questions(kind.type_id, variant):
            fields = [(words_of(text), name) for text, name, _, _ in string.Formatter().parse(wording.text)]
            order = tuple(name for _, name in fields if name and name.isupper())
            for surface in ("floor", "table top", "surface", *_SURFACES) if "{surface}" in wording.text else (None,):
                filled = {"surface": tuple((surface or "").split())}
                rows = [(*text, *(filled.get(name, (NAME,)) if name else ())) for text, name in fields]
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
    for variant, texts in free_ways(kind.type_id).items():
        for text in texts:
            asks_first = kind.answer_kind == AnswerKind.CHOICE and text.startswith("<is>")
            yield Form(kind, variant, patterns.read(text), text, asks_first)
