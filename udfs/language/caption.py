"""Parses the noun phrase of a caption or label."""

import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from udfs.language.phrase import JOINTS, Phrase
from udfs.language.residues import category_text, without_residues
from udfs.language.vocabulary import vocabulary

MAX_BEFORE = 6
MAX_WORDS = 11

_UNUSABLE = re.compile(r"https?:|www\.|[<>{}@#=\\|*^~$%]|\d{4,}", re.IGNORECASE)
_LEAD = re.compile(
    r"^(?:(?:there (?:is|are)|this is|it is|here is)\s+|(?:an? |the )?(?:close-?up )?(?:photo|photograph|image|view)"
    r"(?:graph)? of\s+|(?:the |this )?(?:photo|photograph|image|picture) (?:shows|depicts|features)\s+)+",
    re.IGNORECASE,
)
_TITLES = ("St", "Dr", "Mr", "Mrs", "Mt")
_TITLED = "".join(rf"(?<!\b{title})" for title in _TITLES)
_SENTENCE_END = re.compile(rf"(?:{_TITLED}\.|[!?…])+(?:\s|$)|[;:\[(\n]|\s[-–—]\s")
_BETWEEN_SIZES = frozenset(("x", "×"))
_SLASH = re.compile(r"(?<=[A-Za-z])\s*/\s*\w+")
_EDGES = "\"'`“”‘’«»()[]./_-*!?…"
_FILLING = frozenset(("full", "covered", "filled", "made", "decorated", "labeled"))
_FILLED = frozenset(("of", "with", "by", "in", "from", "as"))
_COUNTS = frozenset(("one", "two", "three", "four", "five", "six"))
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)


@lru_cache(maxsize=65536)
def read_phrase(text: str, lower_first: bool = False) -> Phrase | None:
    """Parse the noun phrase of a caption or label; None if there is no usable one.

    Removes articles, positions ("on the left", "far away"), relations ("next to the desk") and relative clauses.
    `lower_first` treats a leading capital as the start of a sentence, not as a name.
    """
    vocab = vocabulary()
    tokens = [token for token in _tokens(text) if token.strip(",").lower() not in vocab.null_words]
    while tokens and tokens[0].lower() in vocab.determiners:
        tokens = tokens[1:]
        lower_first = False
    if tokens[-2:-1] == ["&"] and len(tokens) > 2 and not vocab.is_adjective(tokens[-3].lower()):
        tokens = tokens[:-2]  # "mug & saucer", as products are listed, is the mug
    if not tokens:
        return None
    if lower_first or tokens[0].rstrip(",").lower() in vocab.colors or vocab.is_adjective(tokens[0].lower()):
        tokens[0] = _lowered(tokens[0])
    end = _noun_end(tokens)
    before, after = tokens[: end - 1], tokens[end:]
    head = tokens[end - 1].strip(",")
    if not _BETWEEN_SIZES.isdisjoint(tokens):
        return None
    if not _fit_head(head) or not vocab.finite_verbs.union(vocab.determiners).isdisjoint(map(str.lower, before)):
        return None
    if any(b in JOINTS and not vocab.is_adjective(a.rstrip(",").lower()) for a, b in pairwise(before)):
        return None
    phrase = Phrase(tuple(before), head, _parts(after))
    phrase = phrase.without(vocab.position_adjectives)
    if len(phrase.before) > MAX_BEFORE:
        return None
    while phrase.after and len(phrase.bare.split()) > MAX_WORDS:
        phrase = replace(phrase, after=phrase.after[:-1])
    return phrase


def read_label(label: str) -> Phrase | None:
    """Parse a category name; None if it names nothing, such as "n/a" or "class_3"."""
    vocab = vocabulary()
    if label.strip().lower() in vocab.null_words:
        return None
    name = category_text(label)
    if name.lower() in vocab.null_words | vocab.placeholder_labels:
        return None
    return read_phrase(" ".join(map(_lowered_name, name.split())))


def loose_words(text: str) -> frozenset[str]:
    """Return every word of a caption in lower case and singular, for captions without a parsable noun phrase."""
    return frozenset(vocabulary().singular(token.strip(",").lower()) for token in _tokens(text))


def _tokens(text: str) -> list[str]:
    text = without_residues(text).strip(_EDGES + " ")
    if _UNUSABLE.search(text):
        return []
    text = _LEAD.sub("", text)
    text = _SLASH.sub("", _SENTENCE_END.split(text, maxsplit=1)[0])
    tokens = [token for token in (word.strip(_EDGES) for word in text.replace(" ,", ",").split()) if token.strip(",")]
    names = [token for token in tokens if any(c.isalpha() for c in token)]
    if len(names) == 1 and names[0].isupper() and names[0].isalpha() and _VOWEL.search(names[0]):
        return [_lowered_name(token) for token in tokens]
    if len(names) > 1 and (all(token.isupper() for token in names) or all(token[0].isupper() for token in names)):
        return [_lowered_name(token) for token in tokens]
    return [token.upper() if token.lower() in vocabulary().acronyms else token for token in tokens]


def _lowered(token: str) -> str:
    """Lower the capital that starts a sentence; "R2-D2", "iPhone", "TV" and "St" (Bernard) stay."""
    lowers = token[:1].isupper() and token[1:].islower() and token not in _TITLES
    return token.lower() if lowers else token


def _lowered_name(token: str) -> str:
    """Lower a word of a text that is all in capitals or title case; "TV" stays."""
    if token.lower() in vocabulary().acronyms:
        return token.upper()
    return token.lower() if (token.isupper() and token.isalpha()) or token.istitle() else token


def _fit_head(head: str) -> bool:
    vocab = vocabulary()
    letters = sum(c.isalpha() and c < "ɐ" for c in head)
    lower = head.lower()
    adjective = vocab.is_listed_adjective(lower) or lower in vocab.finite_verbs
    adjective = adjective and lower not in vocab.noun_adjectives
    vague = lower in vocab.vague_heads or lower in vocab.position_adjectives
    return letters >= 2 and letters >= 0.5 * len(head) and not adjective and not vague


def _noun_end(tokens: list[str]) -> int:
    """Return the index after the noun: where a connector starts, or where a comma ends the adjectives."""
    vocab = vocabulary()
    for index in range(1, len(tokens)):
        if tokens[index - 1].endswith(",") and not vocab.is_adjective(tokens[index - 1].rstrip(",").lower()):
            return index
        if _connects(tokens, index):
            return index
    return len(tokens)


def _connects(tokens: list[str], index: int) -> bool:
    vocab = vocabulary()
    word = tokens[index].rstrip(",").lower()
    following = tokens[index + 1].rstrip(",").lower() if index + 1 < len(tokens) else ""
    if word in vocab.lying_connectors:
        return not following or following in vocab.posture_followers
    if word in _FILLING:
        return following in _FILLED
    if word.endswith("ing") and word not in vocab.kept_connectors:
        return following in vocab.posture_followers or following in vocab.determiners
    if word.endswith("ed") and word not in vocab.kept_connectors:
        return following in vocab.posture_followers
    if word in vocab.position_adjectives:
        return word in vocab.cut_connectors and (not following or following in vocab.place_followers)
    return word in vocab.kept_connectors or word in vocab.cut_connectors


def _parts(tokens: list[str]) -> tuple[str, ...]:
    """Return the parts after the noun, up to the first that states a position."""
    parts: list[list[str]] = []
    for index, token in enumerate(tokens):
        continues = index > 0 and token.lower() in _FILLED and parts[-1][0] in _FILLING and len(parts[-1]) == 1
        if (
            token.lower() == "and"
            and "".join(tokens[index + 1 : index + 2]).lower() in _COUNTS | vocabulary().determiners
        ):
            break
        if index == 0 or (not continues and _connects(tokens, index)):
            parts.append([token])
        else:
            parts[-1].append(token)
    kept: list[str] = []
    for number, part in enumerate(parts):
        if _cuts(part, parts[number + 1 :]):
            break
        kept.append(" ".join(part).rstrip(","))
        if part[-1].endswith(","):
            break
    return tuple(kept)


def _cuts(part: list[str], rest: list[list[str]]) -> bool:
    vocab = vocabulary()
    words = [word.rstrip(",").lower() for word in part]
    if len(words) == 1 or any(word in vocab.finite_verbs for word in words):
        return True
    if words[0] in vocab.lying_connectors or (
        words[0].endswith(("ing", "ed")) and words[0] not in vocab.kept_connectors
    ):
        posture = words[1] in ("down", "up", "upright", "flat", "sideways") and not rest
        if not posture and words[1] not in vocab.determiners:
            return True
    elif words[0] not in vocab.kept_connectors:
        return True
    return any(word in vocab.places for word in words[1:]) or (words[0] == "in" and words[1] == "the")
