"""A noun phrase: the words before the noun, the noun, and the parts after it."""

from dataclasses import dataclass, replace
from functools import cached_property

from udfs.language.vocabulary import MEASURE, vocabulary

JOINTS = frozenset(("and", "&", "or"))


@dataclass(frozen=True)
class Phrase:
    """`before` and `head` as written, `after` as parts such as "with blue lid"; no articles or positions."""

    before: tuple[str, ...]
    head: str
    after: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The phrase with "the"; a pair noun becomes "the pair of ...", which takes a singular verb."""
        return f"the {self.bare}"

    @cached_property
    def bare(self) -> str:
        """The phrase without an article."""
        pair = ("pair of",) if self.key in vocabulary().pair_nouns else ()
        return " ".join((*pair, *self.before, self.head, *self.after))

    @cached_property
    def key(self) -> str:
        """The noun in lower case; pair nouns keep their ending."""
        vocab, word = vocabulary(), self.head.lower()
        return word if word in vocab.pair_nouns else vocab.singular(word)

    @property
    def plural(self) -> bool:
        """Whether the phrase takes a plural verb."""
        vocab, word = vocabulary(), self.head.lower()
        return vocab.is_plural(word) and word not in vocab.pair_nouns

    @cached_property
    def adjectives(self) -> tuple[str, ...]:
        """The words before the noun in lower case, without commas and joints."""
        words = (word.rstrip(",").lower() for word in self.before)
        return tuple(word for word in words if word not in JOINTS)

    @cached_property
    def core(self) -> frozenset[str]:
        """The noun and the words before it, in lower case and singular."""
        return frozenset((self.key, *map(vocabulary().singular, self.adjectives)))

    @cached_property
    def parts(self) -> tuple[frozenset[str], ...]:
        """The content words of each part after the noun, in lower case and singular."""
        singular = vocabulary().singular
        split = ([word.strip(",").lower() for word in part.split()[1:]] for part in self.after)
        return tuple(
            frozenset(singular(word) for word in words if word not in vocabulary().determiners and word not in JOINTS)
            for words in split
        )

    @cached_property
    def words(self) -> frozenset[str]:
        """All content words, in lower case and singular."""
        return self.core.union(*self.parts)

    @cached_property
    def sized(self) -> bool:
        """Whether the phrase states a size."""
        sizes = vocabulary().sizes
        return any(word in sizes or MEASURE.fullmatch(word) for word in self.adjectives)

    def without(self, unwanted: frozenset[str]) -> "Phrase":
        """Return the phrase without the adjectives in `unwanted`, dropping dangling conjunctions and commas."""
        kept = [word for word in self.before if word.rstrip(",").lower() not in unwanted]
        return self if len(kept) == len(self.before) else replace(self, before=_without_dangling(kept))


def _without_dangling(words: list[str]) -> tuple[str, ...]:
    """Drop conjunctions that lost a neighbor, and commas before the noun."""
    kept: list[str] = []
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if word in JOINTS and (not kept or not following or following in JOINTS):
            continue
        if word in JOINTS and kept:
            kept[-1] = kept[-1].rstrip(",")
        kept.append(word)
    if kept:
        kept[-1] = kept[-1].rstrip(",")
    return tuple(kept)
