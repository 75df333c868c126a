"""Decides from captions and labels which objects a phrase could refer to.

Two objects are similar if their nouns can name the same object, or if they share half of their words up to the noun.
A phrase is possibly true of an object unless the object's captions contradict it: "the red mug" is possibly true of a
mug of unknown color, but not of a blue one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from udfs.language.phrase import Phrase
from udfs.language.vocabulary import vocabulary

SIMILAR_OVERLAP = 0.5
# The noun of a phrase that says no kind of thing, such as "the red thing"; it fits whatever is there.
THING = "thing"
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Traits:
    """The attributes that a phrase states, as mutually exclusive families; `kinds` are the nouns before the noun."""

    colors: tuple[frozenset[str], ...]
    shades: frozenset[str]
    exclusive: tuple[frozenset[str], ...]
    sizes: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True)
class NamedObject:
    """An object with its label and captions, all of which are true of it, and the attributes that they state."""

    object_id: int
    label: Phrase | None
    captions: tuple[Phrase, ...]
    heads: frozenset[str]
    core: frozenset[str]
    parts: tuple[frozenset[str], ...]
    traits: Traits


def named_object(
    object_id: int, label: Phrase | None, captions: tuple[Phrase, ...], loose: tuple[frozenset[str], ...] = ()
) -> NamedObject:
    """Combine the phrases of an object; `loose` holds the words of captions that could not be parsed."""
    phrases = captions if label is None else (label, *captions)
    heads = frozenset(phrase.key for phrase in phrases)
    core = frozenset().union(*(phrase.core for phrase in phrases))
    parts = tuple(part for phrase in phrases for part in phrase.parts if part) + loose
    return NamedObject(object_id, label, captions, heads, core, parts, _union(phrases, label))


@lru_cache(maxsize=65536)
def traits_of(phrase: Phrase, is_label: bool = False) -> Traits:
    """Return the attributes that a phrase states; in a label every word is a kind, as in "gift bag"."""
    vocab = vocabulary()
    words = phrase.adjectives
    lists = (vocab.materials, vocab.shapes, vocab.patterns)
    attribute_words = (vocab.colors, vocab.shades, *lists, vocab.sizes)
    kinds = {vocab.singular(word) for word in words if is_label or not vocab.is_adjective(word)}
    if is_label:
        kinds -= vocab.colors.keys()
    for part in phrase.after:
        connector, *rest = part.lower().split()
        if connector == "of":
            kinds.update(vocab.singular(word) for word in rest if not any(word in words for words in attribute_words))
    return Traits(
        tuple(color for word in words if (color := vocab.color_of(word))),
        frozenset(vocab.shades[word] for word in words if word in vocab.shades),
        _exclusive(words, lists),
        frozenset(vocab.sizes[word] for word in words if word in vocab.sizes),
        frozenset(kinds),
    )


def possibly_true(phrase: Phrase, other: NamedObject, is_label: bool = False) -> bool:
    """Return whether `phrase`, which may be its object's label, could be true of `other` or of a part of it."""
    words = phrase.words
    if words <= other.core or any(words <= part for part in other.parts):
        return True
    if phrase.key != THING and not any(can_name(phrase.key, head) for head in other.heads):
        return False
    mine, theirs = traits_of(phrase, is_label), other.traits
    if mine.colors and theirs.colors:
        if not all(any(color & other_color for other_color in theirs.colors) for color in mine.colors):
            return False
        if mine.shades and theirs.shades and mine.shades.isdisjoint(theirs.shades):
            return False
    if any(a and b and a.isdisjoint(b) for a, b in zip(mine.exclusive, theirs.exclusive, strict=True)):
        return False
    if mine.sizes and any((a, b) in vocabulary().opposite_sizes for a in mine.sizes for b in theirs.sizes):
        return False
    return not (mine.kinds and theirs.kinds and mine.kinds.isdisjoint(theirs.kinds))


def certainly_true(phrase: Phrase, other: NamedObject) -> bool:
    """Return whether the captions and label of `other` imply `phrase`."""
    if phrase.after or not phrase.core - {phrase.key} <= other.core:
        return False
    return phrase.key == THING or any(_is_kind_of(head, phrase.key) for head in other.heads)


def similar(a: NamedObject, b: NamedObject) -> bool:
    """Return whether two objects could be confused when named by their nouns; symmetric."""
    shared = len(a.core & b.core)
    if shared and shared >= SIMILAR_OVERLAP * len(a.core | b.core):
        return True
    return any(can_name(x, y) or can_name(y, x) for x in a.heads for y in b.heads)


def _is_kind_of(head: str, noun: str) -> bool:
    """Return whether the spelling alone shows that `head` is a kind of `noun`: an armchair is a chair."""
    return noun == head or (len(noun) >= 3 and head.endswith(noun))


@lru_cache(maxsize=65536)
def can_name(noun: str, head: str) -> bool:
    """Return whether "the <noun>" can refer to an object whose noun is `head`: the same word or a narrower one."""
    return _is_kind_of(head, noun) or head in vocabulary().wider_names.get(noun, _NO_WORDS)


def _exclusive(words: tuple[str, ...], lists: Iterable[dict[str, str]]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(families[word] for word in words if word in families) for families in lists)


def _union(phrases: tuple[Phrase, ...], label: Phrase | None) -> Traits:
    traits = [traits_of(phrase, phrase is label) for phrase in phrases]
    return Traits(
        tuple(color for trait in traits for color in trait.colors),
        frozenset().union(*(trait.shades for trait in traits)),
        tuple(frozenset().union(*sets) for sets in zip(*(trait.exclusive for trait in traits), strict=True)),
        frozenset().union(*(trait.sizes for trait in traits)),
        frozenset().union(*(trait.kinds for trait in traits)),
    )
