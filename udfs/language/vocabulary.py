"""The word lists for parsing captions, from `vocabulary.yaml`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PATH = Path(__file__).parent / "vocabulary.yaml"
_FAMILIES = ("shades", "materials", "shapes", "patterns", "sizes")
_OPPOSITE_SIZES = (("small", "large"), ("small", "medium"), ("medium", "large"), ("tall", "short"))
# "21-inch" as an adjective.
MEASURE = re.compile(r"\d+(?:\.\d+)?-(?:inch|foot|meter|cm|mm)")
_OPPOSITE_WIDTHS = (("wide", "narrow"), ("thick", "narrow"), ("long", "short"))


@dataclass(frozen=True)
class Vocabulary:
    """Word lists by use; a mapping gives a word's families, and words of disjoint families exclude each other."""

    colors: dict[str, frozenset[str]]
    shades: dict[str, str]
    materials: dict[str, str]
    shapes: dict[str, str]
    patterns: dict[str, str]
    sizes: dict[str, str]
    plain_adjectives: frozenset[str]
    articles: frozenset[str]
    determiners: frozenset[str]
    position_adjectives: frozenset[str]
    place_followers: frozenset[str]
    kept_connectors: frozenset[str]
    lying_connectors: frozenset[str]
    posture_followers: frozenset[str]
    cut_connectors: frozenset[str]
    places: frozenset[str]
    finite_verbs: frozenset[str]
    vague_heads: frozenset[str]
    null_words: frozenset[str]
    placeholder_labels: frozenset[str]
    names_in_camel_case: frozenset[str]
    acronyms: frozenset[str]
    noun_adjectives: frozenset[str]
    pair_nouns: frozenset[str]
    singular_in_s: frozenset[str]
    plural_irregular: frozenset[str]
    wider_names: dict[str, frozenset[str]]
    opposite_sizes: frozenset[tuple[str, str]]

    def is_adjective(self, word: str) -> bool:
        """Return whether a lower-case word can stand in a list of adjectives before a noun."""
        if self.is_listed_adjective(word) or word.endswith(("ed", "ing")) or MEASURE.fullmatch(word):
            return True
        return len(word) > 5 and word.endswith("ish")

    def is_listed_adjective(self, word: str) -> bool:
        """Return whether a lower-case word is an adjective by the lists, not by its ending."""
        lists = (self.colors, self.shades, self.materials, self.shapes, self.patterns, self.sizes)
        return any(word in words for words in (*lists, self.plain_adjectives)) or bool(self.color_of(word))

    def color_of(self, word: str) -> frozenset[str]:
        """Return the families of a lower-case color word, "blue-green" included; empty for any other word."""
        if "-" in word and word not in self.colors:
            return frozenset().union(*(self.colors.get(part, frozenset()) for part in word.split("-")))
        return self.colors.get(word, frozenset())

    def is_plural(self, word: str) -> bool:
        """Return whether a lower-case noun takes a plural verb."""
        if word in self.plural_irregular or word in self.pair_nouns:
            return True
        if word in self.singular_in_s or word.endswith(tuple(self.singular_in_s)):
            return False
        return len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is"))

    def singular(self, word: str) -> str:
        """Strip the plural ending of a lower-case word, for comparison only."""
        if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or word in self.singular_in_s:
            return word
        if word.endswith("ies"):
            return word[:-3] + "y"
        if word.endswith(("ses", "xes", "zes", "ches", "shes")):
            return word[:-2]
        return word[:-1]


@cache
def vocabulary() -> Vocabulary:
    """Return the word lists, read once per process."""
    lists: dict[str, Any] = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    families: dict[str, dict[str, str]] = {name: lists.pop(name) for name in _FAMILIES}
    colors = {word: frozenset(text.split()) for word, text in lists.pop("colors").items()}
    wider = {word: frozenset(text.split()) for word, text in lists.pop("wider_names").items()}
    pairs = (*_OPPOSITE_SIZES, *_OPPOSITE_WIDTHS)
    opposite = frozenset([*pairs, *[(b, a) for a, b in pairs]])
    words: dict[str, Any] = {name: frozenset(text.split()) for name, text in lists.items()}
    return Vocabulary(colors=colors, wider_names=wider, opposite_sizes=opposite, **{**families, **words})
