"""Texts in plain words, in which a letter that names a thing of the image ("point A") is a word of its own."""

import re

from udfs.language.numerals import Tokens, amount_at

_NOUNS = (
    "point", "dot", "marker", "mark", "box", "object", "region", "image", "picture", "photo", "circle", "spot", "pixel",
    "location", "position", "label", "mask", "area", "patch", "panel", "figure", "frame", "view", "camera", "arrow",
    "line", "segment", "item", "keypoint", "place", "person", "car", "path", "route", "rectangle", "square", "triangle",
    "bounding box", "ball", "block", "cube", "room", "door", "shape",
)  # fmt: skip
THING = rf"(?:{'|'.join(f'{noun}(?:e?s)?' for noun in _NOUNS)}|label(?:l?ed|ing)|marked|called|named|lettered|tagged)"
_VERBS = (
    "is|was|are|were|has|have|appears?|looks?|seems?|lies|sits|stands|and|or|to|in|on|at|than|because|since|as|being|would"
    r"|does|do|isn|can|cannot|compared|which|with|rather|instead|versus|vs|but|not|while|whereas|matches|corresponds"
)
_NAMED = re.compile(rf"\b{THING}\s+(?:as\s+|with\s+|by\s+)?[\"'(*\[]*([A-Ha-h])\b(?![.'’]\w)", re.IGNORECASE)
_ALONE = re.compile(
    rf"(?<![\w'’.-])(?:([B-H])(?!\w|['’-](?!s\b))|(A)(?=\W*\Z|\s*[,.;:!?)\]*\"=<>→-]|\s+(?:{_VERBS})\b|['’]s\b))"
)
_PREFIX = re.compile(r"^\s*(?:\(?[A-H][).:]|\([A-H]\))\s+(?=\S)")
_ARTICLES = re.compile(r"\b(?:the|a|an)\b")
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_ORDINALS = {word: str(place) for place, word in enumerate(["first", "second", "third", "fourth", "fifth", "sixth"], 1)}
_ORDINAL = re.compile(
    rf"\b({'|'.join(_ORDINALS)})\s+(image|picture|photo|frame|panel|view|option|region|box|point|object)\b",
    re.IGNORECASE,
)


def letter_word(letter: str) -> str:
    """Return the word that stands for a thing's letter in plain text."""
    return f"letter_{letter.lower()}"


def plain(text: str, keep: str = "") -> str:
    """Return a text in lower case without articles and punctuation, except for `keep`.

    Letters of things ("point A") and figures are words of their own.
    """
    text = _NAMED.sub(lambda found: f" {letter_word(found[1])} ", text)
    text = _ALONE.sub(lambda found: f" {letter_word(found[1] or found[2])} ", text)
    text = _ORDINAL.sub(lambda found: f"{found[2]} {_ORDINALS[found[1].lower()]}", text)
    text = re.sub(rf"[^\w\s\[\].{keep}]|(?<!\d)\.|\.(?!\d)", " ", text.lower())
    text = re.sub(r",(?!\d)", " , ", text) if keep else text
    text = re.sub(r"\b(?:counter|anti) ?clockwise\b", "counterclockwise", text)
    text = re.sub(r"\b(north|south)(?=east|west)", r"\1 ", text)
    text = re.sub(r"\b(north|south|east|west)ern\b", r"\1", text)
    words = _ARTICLES.sub(" ", text).split()
    return " ".join(_NUMBER_WORDS.get(word, word) for word in words)


def plain_option(text: str) -> str:
    """Return an option in plain words, without its own letter."""
    return plain(_PREFIX.sub("", text))


def without_named_letters(text: str) -> str:
    """Replace letters that name things ("point A", "points A and B") by spaces."""
    listed = re.compile(
        rf"\b{THING}\s+(?:as\s+|with\s+|by\s+)?[\"'(*\[]*[A-H]\b[\"')*\]]*(?:(?:\s*,\s*|\s+(?:and|or|to|nor)\s+|\s*/\s*)"
        r"[\"'(*]*[A-H]\b[\"')*\]]*)*"
    )
    return listed.sub(lambda found: " " * len(found[0]), text)


def figure(text: str) -> float | None:
    """Return the number that a text consists of, or None."""
    tokens = Tokens(text)
    found = amount_at(tokens, 0)
    return found[0] if found is not None and found[1] == len(tokens) else None
