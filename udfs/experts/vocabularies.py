"""What a detector looks for: a packaged list, a list in the profile, the alt text, or what a tagger names."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from udfs.language.noun_phrases import names_in
from udfs.language.vocabulary import vocabulary

ALT_TEXT = "alt_text"
TAGGER = "tagger"
HOUSEHOLD = "household"
PACKAGED = (HOUSEHOLD,)
_LABELS = Path(__file__).parent / "labels" / "vocabularies"


def names_or_source(value: Any) -> Any:
    """Return the names that a setting stands for, or `alt_text` or `tagger`, which name other things every time.

    Raises:
        ValueError: no such packaged list, or an empty one.
    """
    if value in (ALT_TEXT, TAGGER):
        return value
    if isinstance(value, str):
        return named_list(value)
    if not isinstance(value, list | tuple) or not value:
        return value
    names = tuple(dict.fromkeys(str(name).strip() for name in value))
    if "" in names:
        raise ValueError("a name of the vocabulary is empty; leave it out")
    return names


def named_list(name: str) -> tuple[str, ...]:
    """Return the packaged list of this name.

    Raises:
        ValueError: there is none; the message names those there are.
    """
    if name not in PACKAGED:
        known = ", ".join((ALT_TEXT, TAGGER, *PACKAGED))
        raise ValueError(f"no vocabulary {name!r}: name one of {known}, or list the names to look for")
    return tuple(yaml.safe_load((_LABELS / f"{name}.yaml").read_text(encoding="utf-8")))


def alt_text_names(alt_text: str | None) -> tuple[str, ...]:
    """Return the things that an alt text speaks of; see `names_in`."""
    return names_in(alt_text or "", _known_nouns())


@cache
def _known_nouns() -> frozenset[str]:
    wider = vocabulary().wider_names
    heads = (name.split()[-1] for name in named_list(HOUSEHOLD))
    return frozenset((*heads, *wider, *(noun for nouns in wider.values() for noun in nouns)))
