"""What a detector looks for: a packaged list, a list in the profile, the alt text, or what a tagger names."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from udfs.language.noun_phrases import names_in
from udfs.language.vocabulary import vocabulary

ALT_TEXT = "alt_text"
TAGGER = "tagger"
PACKAGED = ("household",)
_LABELS = Path(__file__).parent / "labels"


def named_list(name: str) -> tuple[str, ...]:
    """Return the packaged list of this name.

    Raises:
        ValueError: there is none; the message names those there are.
    """
    if name not in PACKAGED:
        known = ", ".join((ALT_TEXT, TAGGER, *PACKAGED))
        raise ValueError(f"No vocabulary {name!r}: name one of {known}, or list the names to look for.")
    return distinct_names(yaml.safe_load((_LABELS / f"{name}.yaml").read_text(encoding="utf-8")))


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without blanks around them, each once.

    Raises:
        ValueError: there is none.
    """
    kept = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not kept:
        raise ValueError("The vocabulary is empty; list at least one name.")
    return kept


def alt_text_names(alt_text: str | None) -> tuple[str, ...]:
    """Return the things that an alt text speaks of; see `names_in`."""
    return names_in(alt_text or "", _known_nouns())


@cache
def _known_nouns() -> frozenset[str]:
    wider = vocabulary().wider_names
    heads = (name.split()[-1] for name in named_list("household"))
    return frozenset((*heads, *wider, *(noun for nouns in wider.values() for noun in nouns)))
