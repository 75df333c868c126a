"""Short names out of what people and models write: captions of six words, and the things that a text speaks of."""

import re
from dataclasses import replace

from udfs.language.caption import read_phrase
from udfs.language.phrase import JOINTS, Phrase
from udfs.language.vocabulary import Vocabulary, vocabulary

SHORT_WORDS = 6

_BREAK = re.compile(r"[.,;:!?()\[\]|/\n\"“”]|\s[-–—]\s")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*")
_LIST_BREAK = re.compile(r"[,;\n]|\band\b", re.IGNORECASE)
_COUNTS = frozenset(
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many", "some", "few"]
)


def short_caption(text: str) -> str | None:
    """Return the noun phrase of a caption in at most six words, or None where none can be read.

    What follows the noun is dropped first, the last part of it first, and then the adjectives farthest from the noun.
    """
    phrase = read_phrase(text, lower_first=True)
    while phrase is not None and phrase.after and _count(phrase) > SHORT_WORDS:
        phrase = replace(phrase, after=phrase.after[:-1])
    while phrase is not None and (_count(phrase) > SHORT_WORDS or phrase.before[:1] in {(joint,) for joint in JOINTS}):
        phrase = replace(phrase, before=phrase.before[1:])
    return None if phrase is None else " ".join((*phrase.before, phrase.head, *phrase.after))


def names_in(text: str, nouns: frozenset[str]) -> tuple[str, ...]:
    """Return the things that a sentence speaks of, in lower case, each once and in order.

    A thing ends in one of `nouns` (lower case, singular), or follows an article and is singular: alt texts are full of
    words that look like nouns and name nothing that can be seen.
    """
    known = vocabulary()
    names: list[str | None] = []
    for after_article, words in _pieces(text, known):
        ends = [index for index, word in enumerate(words) if known.singular(word.lower()) in nouns]
        if ends:
            names.append(category(" ".join(words[: ends[-1] + 1])))
        elif after_article and not known.is_plural(words[-1].lower()):
            names.append(category(" ".join(words)))
    return tuple(dict.fromkeys(name for name in names if name))


def listed_names(text: str) -> tuple[str, ...]:
    """Return the things of a list that a model wrote, in lower case, each once: between commas, "and", or on lines."""
    names = (category(_BULLET.sub("", piece)) for piece in _LIST_BREAK.split(text))
    return tuple(dict.fromkeys(name for name in names if name))


def category(text: str) -> str | None:
    """Return the noun of a phrase with the nouns before it, singular and in lower case: "coffee table", or None."""
    known = vocabulary()
    words = text.split()
    while words and words[0].lower() in _COUNTS:
        words = words[1:]
    phrase = read_phrase(" ".join(words), lower_first=True)
    if phrase is None:
        return None
    kinds = [word.lower() for word in phrase.before if not known.is_adjective(word.rstrip(",").lower())]
    head = phrase.head.lower()
    irregular = head in known.plural_irregular or head in known.pair_nouns
    return " ".join((*(kind for kind in kinds if kind not in JOINTS), head if irregular else known.singular(head)))


def _count(phrase: Phrase) -> int:
    return len(" ".join((*phrase.before, phrase.head, *phrase.after)).split())


def _pieces(text: str, known: Vocabulary) -> list[tuple[bool, list[str]]]:
    """Return runs of words between punctuation, connectors, verbs and articles, and whether an article led each."""
    breaks = known.kept_connectors | known.lying_connectors | known.cut_connectors | known.finite_verbs | JOINTS
    found: list[tuple[bool, list[str]]] = []
    for clause in _BREAK.split(text):
        found.append((False, []))
        for word in clause.split():
            lower = word.lower()
            if lower in known.determiners:
                found.append((lower in ("a", "an", "the"), []))
            elif lower in breaks or lower in _COUNTS:
                found.append((False, []))
            else:
                found[-1][1].append(word)
    return [(article, words) for article, words in found if words]
