"""Comparisons in words: which thing a sentence says is closer, taller, to the left, and its opposite."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlm.evaluation.reading.things import plain

# The words of a relation and of its opposite; a word may belong to several relations.
_OPPOSITES = (
    ("closer, nearer, closest, nearest, in front of, in front",
     "farther, further, farthest, furthest, more distant, most distant, more far, behind"),
    ("in front of, in front, ahead of", "behind, in back of, at back"),
    ("higher, highest, above", "lower, lowest, below, beneath, under, underneath"),
    ("taller, tallest, higher", "shorter, shortest, lower"),
    ("longer, longest", "shorter, shortest"),
    ("bigger, larger, biggest, largest, greater", "smaller, smallest"),
    ("wider, broader, widest, broadest", "narrower, narrowest, thinner, thinnest"),
    ("thicker, thickest", "thinner, thinnest"),
    ("brighter, brightest, lighter, lightest", "darker, darkest, dimmer"),
    ("heavier, heaviest", "lighter, lightest"),
    ("deeper, deepest", "shallower, shallowest"),
    ("faster, fastest", "slower, slowest"),
    ("left, leftmost", "right, rightmost"),
    ("more, most", "fewer, fewest"),
    ("inside, within", "outside"),
)  # fmt: skip
_BASES = {
    "far": "farther", "distant": "farther", "close": "closer", "near": "closer", "tall": "taller", "short": "shorter",
    "high": "higher", "low": "lower", "big": "bigger", "large": "larger", "small": "smaller", "wide": "wider",
    "narrow": "narrower", "long": "longer", "dark": "darker", "bright": "brighter", "light": "lighter",
    "heavy": "heavier",    "thick": "thicker", "thin": "thinner", "deep": "deeper",
}  # fmt: skip
_SIGNS: dict[str, dict[int, int]] = {}
for _dimension, _pair in enumerate(_OPPOSITES):
    for _sign, _names in zip((1, -1), _pair, strict=True):
        for _name in _names.split(", "):
            _SIGNS.setdefault(_name, {})[_dimension] = _sign
_LESS = r"less|least|(?:not|\w*n t) (?:quite |nearly )?(?:as|so)|nowhere near as"
_WORD = re.compile(
    rf"\b(?:(?P<word>{'|'.join(sorted(_SIGNS, key=len, reverse=True))})"
    rf"|(?P<less>{_LESS}) (?P<base>{'|'.join(_BASES)}))\b"
)
_COMPARED = (
    r"(?:than|compared to|compared with|in comparison to|in comparison with|relative to|versus|vs|unlike|but not)"
)
_NOT = re.compile(r"\b(?:not|n t|never|no|neither|nor|isn t|doesn t|aren t)\b(?! only)")
_SAME = re.compile(
    r"\b(?:same|equal|equally|identical|similar|alike|difference|equidistant)\b"
    r"|(?<!not )(?<!n t )(?<!quite )(?<!nearly )\bas \w+ as\b"
)


@dataclass(frozen=True)
class Claim:
    """What a sentence says of a thing: signs by relation, the thing, and what it is compared with."""

    signs: dict[int, int]
    subject: str
    beside: str | None = None

    def implies(self, other: "Claim", only_two: bool) -> bool:
        """Return whether this claim means another one, that may be about the thing beside."""
        shared = [dimension for dimension in self.signs if dimension in other.signs]
        if not shared:
            return False
        same = all(self.signs[dimension] == other.signs[dimension] for dimension in shared)
        if same:
            return self.subject == other.subject
        if self.beside is not None:
            return only_two and self.beside == other.subject
        return only_two and self.subject != other.subject


def relation_words(said: str) -> list[tuple[re.Match[str], dict[int, int]]]:
    """Return the words of relations in a plain text with their signs."""
    found = []
    for match in _WORD.finditer(said):
        if match["word"]:
            found.append((match, _SIGNS[match["word"]]))
        else:
            signs = _SIGNS[_BASES[match["base"]]]
            found.append((match, {dimension: -sign for dimension, sign in signs.items()}))
    return found


def says_equal(said: str) -> bool:
    """Return whether a plain text says that things are alike."""
    return _SAME.search(said) is not None


def claims_in(said: str, things: Sequence[str]) -> list[Claim]:
    """Return what a plain sentence says of `things`, which are plain too."""
    if (says_equal(said) or re.match(r"both\b|neither\b", said)) and not re.search(
        r"\bnot (?:same|equal|identical)\b", said
    ):
        return []
    mentions = _mentions(said, things)
    claims = []
    for match, signs in relation_words(said):
        if any(start <= match.start() < end for start, end, _ in mentions):
            continue
        claim = _claim(said, mentions, match, signs)
        if claim is not None:
            claims.append(claim)
    return claims


def _mentions(said: str, things: Sequence[str]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for thing in sorted(set(things), key=len, reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(thing)}(?!\w)", said) if thing else ():
            if not any(start < match.end() and match.start() < end for start, end, _ in found):
                found.append((match.start(), match.end(), thing))
    return sorted(found)


def _claim(
    said: str, mentions: list[tuple[int, int, str]], match: re.Match[str], signs: dict[int, int]
) -> Claim | None:
    compared = {
        start: thing
        for start, _, thing in mentions
        if re.search(rf"\b{_COMPARED} (?:\w+ ){{0,5}}$", said[:start])
        and not re.search(rf"\b{_COMPARED} .*\b(?:letter_\w|is|are|looks|appears) (?:\w+ )*$", said[:start])
    }
    after = said[match.end() :]
    positional = re.match(r" (?:of )?(?=\w)", after) and match["word"] in (
        "behind", "in front of", "above", "below", "beneath", "under", "underneath", "left", "right", "ahead of",
        "inside",
    )  # fmt: skip
    beside = next((thing for start, thing in compared.items() if start > match.end()), None)
    if beside is None and positional:
        close = [(start, thing) for start, _, thing in mentions if match.end() < start <= match.end() + 12]
        beside = close[0][1] if close else None
    if beside is None:
        beside = next(iter(compared.values()), None)
    before = [(end, thing) for start, end, thing in mentions if end <= match.start() and start not in compared]
    later = [
        thing for start, _, thing in mentions if start >= match.end() and start not in compared and thing != beside
    ]
    if not before and not later:
        return None
    subject = before[-1][1] if before else later[0]
    between = said[before[-1][0] : match.start()] if before else said[: match.start()]
    if len(_NOT.findall(between)) % 2 == 1:
        signs = {dimension: -sign for dimension, sign in signs.items()}
    return Claim(signs, subject, beside if beside != subject else None)


_NO_CONTENT_WORDS = (
    "is are was were does do did has have the of to in on at from by with image picture photo photograph scene "
    "view camera it its this that there you can see please answer yes or no question side be located positioned "
    "placed compared than and visible appear appears look looks seem seems more would say correct true which as "
    "any actually indeed clearly left right"
)
_NO_CONTENT = frozenset(_NO_CONTENT_WORDS.split())


class Asked:
    """The relation that a yes/no question asks about, to compare an answer's sentences with."""

    def __init__(self, question: str) -> None:
        said = plain(re.split(r"(?<=\?)", question.strip(), maxsplit=1)[0]) if question else ""
        self._words = relation_words(said)
        self._before, self._after = self._sides(said) if len(self._words) == 1 else (frozenset(), frozenset())

    def stated(self, sentence: str) -> bool | None:
        """Return whether a sentence states or denies what is asked; None if it says something else."""
        if not self._before or not self._after:
            return None
        said = plain(sentence)
        words = relation_words(said)
        if len(words) != 1:
            return None
        before, after = self._sides(said)
        if self._before <= before and self._after <= after:
            swapped = False
        elif self._before <= after and self._after <= before:
            swapped = True
        else:
            return None
        asked, found = self._words[0][1], words[0][1]
        shared = [dimension for dimension in asked if dimension in found]
        if not shared:
            return None
        denied = len(_NOT.findall(said)) % 2 == 1
        opposite = any(asked[dimension] != found[dimension] for dimension in shared)
        if opposite != swapped and denied:
            return None
        return not (denied or opposite != swapped)

    def _sides(self, said: str) -> tuple[frozenset[str], frozenset[str]]:
        match = relation_words(said)[0][0]
        return tuple(  # type: ignore[return-value]
            frozenset(word for word in part.split() if word not in _NO_CONTENT)
            for part in (said[: match.start()], said[match.end() :])
        )
