"""Extracts short names from texts of people and models: captions of at most six words, and the objects mentioned."""

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
    """Shorten a caption to a noun phrase of at most six words; None if it has no noun phrase.

    Drops the parts after the noun first, from the last on, then the adjectives, from the farthest on.
    """
    phrase = read_phrase(text, lower_first=True)
    while phrase is not None and phrase.after and _count(phrase) > SHORT_WORDS:
        phrase = replace(phrase, after=phrase.after[:-1])
    while phrase is not None and (_count(phrase) > SHORT_WORDS or phrase.before[:1] in {(joint,) for joint in JOINTS}):
        phrase = replace(phrase, before=phrase.before[1:])
    return None if phrase is None else " ".join((*phrase.before, phrase.head, *phrase.after))


def names_in(text: str, nouns: frozenset[str]) -> tuple[str, ...]:
    """Return the distinct objects that a sentence mentions, in lower case and in order.

    A name must end in one of `nouns` (lower case, singular), or follow an article and be singular, because alt texts
    are full of nouns that do not name visible objects.
    """
    vocab = vocabulary()
    names: list[str | None] = []
    for after_article, words in _pieces(text, vocab):
        ends = [index for index, word in enumerate(words) if vocab.singular(word.lower()) in nouns]
        if ends:
            names.append(category(" ".join(words[: ends[-1] + 1])))
        elif after_article and not vocab.is_plural(words[-1].lower()):
            names.append(category(" ".join(words)))
    return tuple(dict.fromkeys(name for name in names if name))


def listed_names(text: str) -> tuple[str, ...]:
    """Return the distinct objects of a list that a model wrote, in lower case, split at commas, "and" and lines."""
    names = (category(_BULLET.sub("", piece)) for piece in _LIST_BREAK.split(text))
    return tuple(dict.fromkeys(name for name in names if name))


def category(text: str) -> str | None:
    """Return a phrase's noun with the nouns before it, singular and in lower case ("coffee table"), or None."""
    vocab = vocabulary()
    words = text.split()
    while words and words[0].lower() in _COUNTS:
        words = words[1:]
    phrase = read_phrase(" ".join(words), lower_first=True)
    if phrase is None:
        return None
    kinds = [word.lower() for word in phrase.before if not vocab.is_adjective(word.rstrip(",").lower())]
    head = phrase.head.lower()
    irregular = head in vocab.plural_irregular or head in vocab.pair_nouns
    return " ".join((*(kind for kind in kinds if kind not in JOINTS), head if irregular else vocab.singular(head)))


def _count(phrase: Phrase) -> int:
    return len(" ".join((*phrase.before, phrase.head, *phrase.after)).split())


def _pieces(text: str, vocab: Vocabulary) -> list[tuple[bool, list[str]]]:
    """Split a text at punctuation, connectors, verbs and articles; return whether an article preceded each run."""
    breaks = vocab.kept_connectors | vocab.lying_connectors | vocab.cut_connectors | vocab.finite_verbs | JOINTS
    pieces: list[tuple[bool, list[str]]] = []
    for clause in _BREAK.split(text):
        pieces.append((False, []))
        for word in clause.split():
            lower = word.lower()
            if lower in vocab.determiners:
                pieces.append((lower in ("a", "an", "the"), []))
            elif lower in breaks or lower in _COUNTS:
                pieces.append((False, []))
            else:
                pieces[-1][1].append(word)
    return [(article, words) for article, words in pieces if words]
