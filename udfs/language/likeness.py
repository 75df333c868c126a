"""Which objects a phrase could be true of, judged from captions and labels alone.

Two objects are alike when their nouns can name one thing, or when half of their words up to the noun are shared. A
phrase is held to be possible for an object unless something known of the object excludes it. Doubt counts as possible:
"the red mug" is possible for a mug of unknown color, impossible for a blue one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from udfs.language.phrase import Phrase
from udfs.language.vocabulary import vocabulary

ALIKE_OVERLAP = 0.5
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Traits:
    """What adjectives say, each as families that exclude one another; `kinds` are nouns before the noun."""

    colors: tuple[frozenset[str], ...]
    shades: frozenset[str]
    exclusive: tuple[frozenset[str], ...]
    sizes: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True)
class Named:
    """One object of the picture as its captions and its label name it: all of `phrases` are true of it."""

    object_id: int
    label: Phrase | None
    captions: tuple[Phrase, ...]
    heads: frozenset[str]
    core: frozenset[str]
    parts: tuple[frozenset[str], ...]
    traits: Traits


def named(
    object_id: int, label: Phrase | None, captions: tuple[Phrase, ...], loose: tuple[frozenset[str], ...] = ()
) -> Named:
    """Return an object with the union of what its phrases say; `loose` are the words of captions not understood."""
    phrases = captions if label is None else (label, *captions)
    heads = frozenset(phrase.key for phrase in phrases)
    core = frozenset().union(*(phrase.core for phrase in phrases))
    parts = tuple(part for phrase in phrases for part in phrase.parts if part) + loose
    return Named(object_id, label, captions, heads, core, parts, _union(phrases, label))


@lru_cache(maxsize=65536)
def traits_of(phrase: Phrase, is_label: bool = False) -> Traits:
    """Return what the words of a phrase say; in a label every word is a kind, as in "plastic bag" and "gift bag"."""
    known = vocabulary()
    words = phrase.adjectives
    lists = (known.materials, known.shapes, known.patterns)
    said = (known.colors, known.shades, *lists, known.sizes)
    kinds = {known.singular(word) for word in words if is_label or not known.is_adjective(word)}
    if is_label:
        kinds -= known.colors.keys()
    for part in phrase.after:
        connector, *rest = part.lower().split()
        if connector == "of":
            kinds.update(known.singular(word) for word in rest if not any(word in one for one in said))
    return Traits(
        tuple(color for word in words if (color := known.color_of(word))),
        frozenset(known.shades[word] for word in words if word in known.shades),
        _exclusive(words, lists),
        frozenset(known.sizes[word] for word in words if word in known.sizes),
        frozenset(kinds),
    )


def possible(phrase: Phrase, other: Named, is_label: bool = False) -> bool:
    """Return whether `phrase`, the label of its object or not, could be true of `other` or of a part of it."""
    words = phrase.words
    if words <= other.core or any(words <= part for part in other.parts):
        return True
    if not any(_can_name(phrase.key, head) for head in other.heads):
        return False
    mine, theirs = traits_of(phrase, is_label), other.traits
    if mine.colors and theirs.colors:
        if not all(any(color & seen for seen in theirs.colors) for color in mine.colors):
            return False
        if mine.shades and theirs.shades and mine.shades.isdisjoint(theirs.shades):
            return False
    if any(a and b and a.isdisjoint(b) for a, b in zip(mine.exclusive, theirs.exclusive, strict=True)):
        return False
    if mine.sizes and any((a, b) in vocabulary().opposite_sizes for a in mine.sizes for b in theirs.sizes):
        return False
    return not (mine.kinds and theirs.kinds and mine.kinds.isdisjoint(theirs.kinds))


def certain(phrase: Phrase, other: Named) -> bool:
    """Return whether what is known of `other` makes `phrase` true of it."""
    if phrase.after or not phrase.core - {phrase.key} <= other.core:
        return False
    return any(_is_kind_of(head, phrase.key) for head in other.heads)


def alike(one: Named, other: Named) -> bool:
    """Return whether two objects could be mistaken for each other when named by their nouns; symmetric."""
    shared = len(one.core & other.core)
    if shared and shared >= ALIKE_OVERLAP * len(one.core | other.core):
        return True
    return any(_can_name(a, b) or _can_name(b, a) for a in one.heads for b in other.heads)


def _is_kind_of(head: str, noun: str) -> bool:
    """Return whether the spelling alone shows it: an armchair is a chair."""
    return noun == head or (len(noun) >= 3 and head.endswith(noun))


@lru_cache(maxsize=65536)
def _can_name(noun: str, head: str) -> bool:
    """Return whether "the <noun>" can mean something whose noun is `head`: the same word or a narrower one."""
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
