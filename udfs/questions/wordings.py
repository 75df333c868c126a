"""Questions and answers as people word them: each type's own file, and what all types share."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from udfs.questions.registry import question_type, wordings_file

_FORMS = Path(__file__).with_name("forms.yaml")
_GRAMMAR = Path(__file__).with_name("grammar.yaml")
_HEDGE = re.compile(r"\b(about|roughly|around|approximately|nearly|almost|close to|or so|some)\b", re.IGNORECASE)


class NoWordings(KeyError):
    """A type has no wordings for what is asked; the message says what to add to which file."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Wording:
    """One wording: its stable id, TYPE.VARIANT.q07, and its text with slots such as {A}."""

    template_id: str
    text: str

    @property
    def hedged(self) -> bool:
        """Whether it says "about" or the like, which must not precede a precise figure."""
        return _HEDGE.search(self.text) is not None


@cache
def questions(type_id: str, variant: str | None = None) -> tuple[Wording, ...]:
    """Return the questions of a type, of one variant where the file keeps them by variant.

    Raises:
        NoWordings: the type has no file or no such variant.
        UnknownType: there is no such type.
    """
    return _pool(_document(type_id)["questions"], type_id, variant, "q")


@cache
def asks_by_variant(type_id: str) -> bool:
    """Return whether each variant of a type's answer has questions of its own."""
    return isinstance(_document(type_id)["questions"], dict)


@cache
def answers(type_id: str, variant: str, precise: bool = False) -> tuple[Wording, ...]:
    """Return the answers of a type and variant; with `precise` those without "about" or the like.

    A variant without answers of its own uses those of `value`.

    Raises:
        NoWordings: the type has no file or no such variant.
        UnknownType: there is no such type.
    """
    texts = _document(type_id)["answers"]
    pool = _pool(texts, type_id, "value" if variant not in texts and "value" in texts else variant, "a")
    return tuple(wording for wording in pool if not (precise and wording.hedged))


@cache
def short_answer(type_id: str, variant: str) -> Wording:
    """Return the answer in a word or two: the type's own, else that of its unit or kind.

    Raises:
        NoWordings: there is none.
        UnknownType: there is no such type.
    """
    kind = question_type(type_id)
    texts = {**_forms()["short"], **_document(type_id).get("short", {})}
    for name in (variant, kind.unit_si, str(kind.answer_kind)):
        if name in texts:
            return Wording(f"short.{name}", texts[name])
    raise NoWordings(f"{type_id} has no short answer for {variant}; add `short: {{{variant}: ..}}` to its file.")


@cache
def precise_questions(decimals: bool = True) -> tuple[Wording, ...]:
    """Return the wordings that ask for a precise figure around a whole {question}.

    Without `decimals` those are left out that ask for decimals.
    """
    pool = _pool(_forms()["precise"], "precise", None, "q")
    return tuple(wording for wording in pool if decimals or "decimal" not in wording.text)


@cache
def lettered_questions() -> tuple[Wording, ...]:
    """Return the wordings that put two lettered options after a {question}."""
    return tuple(Wording(f"letter.{number:02d}", text) for number, text in enumerate(_forms()["letter"], start=1))


@cache
def many_lettered_questions() -> tuple[Wording, ...]:
    """Return the wordings that put more than two lettered options after a {question}."""
    return tuple(Wording(f"letters.{number:02d}", text) for number, text in enumerate(_forms()["letters"], start=1))


@cache
def free_words(type_id: str) -> dict[str | None, dict[str, list[str]]]:
    """Return the words that free English asks for a type with, by variant (None: any) and by part of the grammar."""
    words = _document(type_id).get("words", {})
    by_variant = set(words) <= set(question_type(type_id).variants)
    return words if by_variant else {None: words}


@cache
def free_ways(type_id: str) -> dict[str | None, list[str]]:
    """Return the patterns that ask for a type alone, by variant (None: any)."""
    ways = _document(type_id).get("ways", [])
    return ways if isinstance(ways, dict) else {None: ways}


def grammar_text() -> dict[str, Any]:
    """Return what all types share of free English: parts, fillers and forms."""
    return _read(_GRAMMAR)


def example_text(type_id: str) -> dict[str, Any]:
    """Return the worked example in a type's file.

    Raises:
        NoWordings: the file has none.
        UnknownType: there is no such type.
    """
    try:
        return _document(type_id)["example"]
    except KeyError:
        raise NoWordings(f"{type_id} has no worked example; add `example:` to its file.") from None


def has_example(type_id: str) -> bool:
    """Return whether a type's file has a worked example; a plugin's may lack one."""
    return "example" in _document(type_id)


def render(text: str, **slots: str) -> str:
    """Fill the slots of a wording and capitalize its first letter."""
    filled = text.format(**slots)
    return filled if filled[0].isupper() else filled[0].upper() + filled[1:]


@cache
def _document(type_id: str) -> dict[str, Any]:
    path = wordings_file(type_id)
    try:
        return _read(path)
    except FileNotFoundError:
        raise NoWordings(f"No wordings for type {type_id}; write them to {path}.") from None


@cache
def _forms() -> dict[str, Any]:
    return _read(_FORMS)


def _read(path: Path) -> dict[str, Any]:
    # BaseLoader keeps `yes` and `no` as words.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)


def _pool(texts: Any, prefix: str, variant: str | None, kind: str) -> tuple[Wording, ...]:
    if isinstance(texts, dict):
        if variant not in texts:
            raise NoWordings(f"{prefix} has no variant {variant}; it has {', '.join(texts)}.")
        texts, prefix = texts[variant], f"{prefix}.{variant}"
    return tuple(Wording(f"{prefix}.{kind}{number:02d}", text) for number, text in enumerate(texts, start=1))
