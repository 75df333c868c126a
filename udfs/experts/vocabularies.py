"""Words that experts look for: label sets of the zero-shot filters, vocabularies of the detectors."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import model_validator

from schemas.settings import Settings
from udfs.language.noun_phrases import names_in
from udfs.language.vocabulary import vocabulary

SPATIAL = "spatial"
ALT_TEXT = "alt_text"
TAGGER = "tagger"
HOUSEHOLD = "household"
PACKAGED = (HOUSEHOLD,)
_LABELS = Path(__file__).parent / "labels"


class LabelSet(Settings):
    """Wanted and unwanted labels, each with at least one prompt."""

    wanted: dict[str, list[str]]
    unwanted: dict[str, list[str]]

    @model_validator(mode="after")
    def _distinct(self) -> "LabelSet":
        twice = sorted(set(self.wanted) & set(self.unwanted))
        empty = sorted(name for name, prompts in self.prompts.items() if not prompts)
        if twice or SPATIAL in self.prompts:
            raise ValueError(f"label {(twice or [SPATIAL])[0]!r} is already taken; choose another name")
        if empty or not self.wanted or not self.unwanted:
            where = f"label {empty[0]!r} has no prompt" if empty else "wanted or unwanted holds no label"
            raise ValueError(f"{where}; write at least one")
        return self

    @property
    def prompts(self) -> dict[str, list[str]]:
        """Return the prompts of every label, the wanted ones first."""
        return {**self.wanted, **self.unwanted}


def label_set(source: Any) -> Any:
    """Return the mapping that `source` names: a packaged set, a YAML file, or the mapping itself.

    Raises:
        ValueError: no such set or file, or no YAML.
    """
    if not isinstance(source, str):
        return source
    packaged = {path.stem: path for path in _LABELS.glob("*.yaml")}
    path = packaged.get(source, Path(source))
    if not path.is_file():
        raise ValueError(f"no label set {source!r}: name one of {', '.join(sorted(packaged))}, or a YAML file")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error


def names_or_source(value: Any) -> Any:
    """Return the names that a setting stands for, or `alt_text` or `tagger`, which give other names per image.

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
    return tuple(yaml.safe_load((_LABELS / "vocabularies" / f"{name}.yaml").read_text(encoding="utf-8")))


def alt_text_names(alt_text: str | None) -> tuple[str, ...]:
    """Return the objects that an alt text names; see `names_in`."""
    return names_in(alt_text or "", _known_nouns())


@cache
def _known_nouns() -> frozenset[str]:
    wider = vocabulary().wider_names
    heads = (name.split()[-1] for name in named_list(HOUSEHOLD))
    return frozenset((*heads, *wider, *(noun for nouns in wider.values() for noun in nouns)))
