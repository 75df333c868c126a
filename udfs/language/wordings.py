"""Questions and answers as people word them, read from the data files in `udfs/language/wordings/`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent / "wordings"
_HEDGE = re.compile(r"\b(about|roughly|around|approximately|nearly|almost|close to|or so|some)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wording:
    """One wording: its stable id, such as "Q03.left.q07", and its text with slots such as {A}."""

    template_id: str
    text: str

    @property
    def hedged(self) -> bool:
        """Whether it says "about" or the like, which a precise figure must not follow."""
        return _HEDGE.search(self.text) is not None


@cache
def questions(type_id: str, variant: str | None = None) -> tuple[Wording, ...]:
    """Return the questions of a type, of one variant where its questions are kept by variant.

    Raises KeyError for an unknown type or variant.
    """
    return _pool(_type(type_id)["questions"], f"{type_id}", variant, "q")


@cache
def answers(type_id: str, variant: str, precise: bool = False) -> tuple[Wording, ...]:
    """Return the answers of a type and variant; with `precise` only those that do not say "about" or the like.

    Raises KeyError for an unknown type or variant.
    """
    pool = _pool(_type(type_id)["answers"], type_id, variant, "a")
    return tuple(wording for wording in pool if not (precise and wording.hedged))


@cache
def precise_questions() -> tuple[Wording, ...]:
    """Return the wordings that ask for precision around a whole {question}."""
    return _pool(_document()["precise"], "precise", None, "q")


def type_ids() -> tuple[str, ...]:
    """Return every type that has wordings, in order."""
    return tuple(sorted(key for key in _document() if key != "precise"))


def render(text: str, **slots: str) -> str:
    """Fill the slots of a wording and capitalise its first letter."""
    filled = text.format(**slots)
    return filled[0].upper() + filled[1:]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        document.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return document


def _type(type_id: str) -> dict[str, Any]:
    try:
        return _document()[type_id]
    except KeyError:
        raise KeyError(f"No wordings for type {type_id}; add them to a file in {_FOLDER.name}/.") from None


def _pool(texts: Any, prefix: str, variant: str | None, kind: str) -> tuple[Wording, ...]:
    if isinstance(texts, dict):
        if variant not in texts:
            raise KeyError(f"{prefix} has no variant {variant}; it has {', '.join(texts)}.")
        texts, prefix = texts[variant], f"{prefix}.{variant}"
    return tuple(Wording(f"{prefix}.{kind}{number:02d}", text) for number, text in enumerate(texts, start=1))
