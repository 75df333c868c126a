"""Reads lengths in a marked question: distances, gaps, sizes and sums become marks Ma, Mb."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from vlm.reason.offline.chains import THING
from vlm.reason.offline.marking import Marked
from vlm.reason.offline.nodes import Between, Extent, Length, Stated, Total
from vlm.reason.tools import CAMERA, Dimension, DistanceKind

_DIMENSIONS: dict[str, Dimension] = {
    "height": "height", "tall": "height", "high": "height", "taller": "height", "higher": "height",
    "shorter": "height", "tallness": "height", "width": "width", "wide": "width", "wider": "width", "across": "width",
    "broad": "width", "broader": "width", "narrower": "width", "thinner": "width", "breadth": "width", "depth": "depth",
    "deep": "depth", "deeper": "depth",
}  # fmt: skip
SIZE_NOUN = r"(?:heights?|widths?|depths?|breadths?|tallness)"
_GAP = r"(?:gap|clearance|opening|passage|passageway|free space|space|room|spacing)"
_DISTANCE = r"(?:distance|separation|way|stretch|length of the (?:path|way|line))"
_ENDS = rf"(?:{THING}|CAM)"
_KINDS: tuple[tuple[str, DistanceKind], ...] = (
    (
        r",? ?(?:as )?(?:measured |taken |going |counting |counted )?(?:from |between )?(?:(?:the|their|its|whose) )?"
        r"centers?(?:[- ]to[- ](?:the )?(?:center|centre)s?)?(?: points?)?(?: of)?(?= |,|\?|\.|$)",
        "center",
    ),
    (
        r",? ?(?:measured |taken )?(?:at|between|from) (?:(?:their|the) )?nearest (?:points?|surfaces?|"
        r"edges?|parts?)(?: of)?",
        "closest",
    ),
    (r",? ?(?:measured )?(?:from )?(?:surface to surface|edge to edge)", "closest"),
    (r"\b(?:shortest|smallest) (?=distance (?:between|from|separat))|\bnearest-point |\bminimum ", "closest"),
    (
        r",? ?(?:measured |as measured )?(?:along the (?:floor|ground)|horizontally|seen from above|on a floor plan)",
        "horizontal",
    ),
    (r"\bhorizontal ", "horizontal"),
    (r",? ?(?:measured )?vertically|\bvertical ", "vertical"),
)


@dataclass
class Measured:
    """A marked question whose lengths have marks too.

    `plain` is the text without these; `kind` is how distances are measured, None if it does not say.
    """

    text: str
    marked: Marked
    plain: str = ""
    kind: DistanceKind | None = None
    measures: dict[str, Length] = field(default_factory=dict)

    def length(self, one: Length) -> str:
        """Return the mark of a length."""
        mark = f"M{chr(ord('a') + len(self.measures) % 26)}"
        self.measures[mark] = one
        return mark

    def of(self, mark: str) -> Length:
        """Return the length of a mark, a measured or a stated one."""
        return self.measures[mark] if mark in self.measures else Stated(self.marked.lengths[mark])


def dimension_of(word: str) -> Dimension:
    """Return the size that a word is about; "heights" is like "height"."""
    return _DIMENSIONS[word if word in _DIMENSIONS else word.removesuffix("s")]


def with_measures(made: Marked) -> Measured:
    """Return the question with marks for its lengths."""
    kind: DistanceKind | None = None
    text = made.text
    for pattern, name in _KINDS:
        text, count = re.subn(pattern, " ", text)
        kind = kind or (name if count else None)
    plain = " ".join(re.sub(r"\s+([,:;.?!])", r"\1", text).split())
    read = Measured(plain, made, plain, kind)
    _sums_of_sizes(read)
    _distances(read)
    _sizes(read)
    return read


def end_of(mark: str) -> str:
    """Return the end of a distance that a mark stands for."""
    return CAMERA if mark == "CAM" else mark


def between(a: str, b: str, kind: DistanceKind | None = None) -> Between:
    """Return the distance of two marks, the camera first."""
    return Between(end_of(b), end_of(a), kind) if b == "CAM" else Between(end_of(a), end_of(b), kind)


def _things(read: Measured, text: str) -> list[str]:
    marks = re.findall(rf"{THING}|S[a-z]", text)
    return [thing for mark in marks for thing in read.marked.lists.get(mark, (mark,))]


def _replace(read: Measured, pattern: str, make: Callable[[re.Match[str]], Length]) -> None:
    rule = re.compile(pattern)
    while match := rule.search(read.text):
        mark = read.length(make(match))
        read.text = f"{read.text[: match.start()]}{mark}{read.text[match.end() :]}"


def _sums_of_sizes(read: Measured) -> None:
    both = rf"(?P<of>{THING} (?:and|plus) (?:that|the width|the height|the depth) of {THING})"
    listing = rf"(?:S[a-z]|{THING} (?:and|plus) (?:that of |of )?{THING})"

    def total(match: re.Match[str]) -> Length:
        dimension = dimension_of(match["size"])
        return Total(tuple(Extent(thing, dimension) for thing in _things(read, match["of"])))

    if re.search(r"\bplus\b|\b(?:sum|total|add|adding)\b", read.text):
        _replace(read, rf"\b(?:the )?(?P<size>{SIZE_NOUN}) of {both}", total)
    added = r"(?:combined|total|summed|joint|added|overall|sum of (?:the )?)"
    _replace(read, rf"\b(?:the )?{added} ?(?P<size>{SIZE_NOUN}) of (?P<of>{listing})", total)
    _replace(read, rf"\b(?P<of>{listing})'?s? {added} (?P<size>{SIZE_NOUN})", total)


def _distances(read: Measured) -> None:
    def gap(match: re.Match[str]) -> Length:
        return between(match["a"], match["b"], "gap")

    def distance(match: re.Match[str]) -> Length:
        return between(match["a"], match["b"])

    pair = rf"(?P<a>{_ENDS}) (?:and|to|from|with) (?P<b>{_ENDS})"
    _replace(
        read,
        rf"\b(?:the |a )?(?:[a-z]+ )??{_GAP} (?:left |there is |that is left |is |that )?(?:between|from|"
        rf"separating|separates|which separates) {pair}\b",
        gap,
    )
    _replace(
        read, rf"\b(?:the )?(?:straight-line |straight )?{_DISTANCE} (?:between|from|separating|of) {pair}\b", distance
    )
    _replace(read, rf"\b(?P<a>{_ENDS})'s distance (?:from|to) (?P<b>{_ENDS})\b", distance)
    _replace(read, rf"\b(?:the )?{_DISTANCE} to (?P<a>{_ENDS}) from (?P<b>{_ENDS})\b", distance)
    _replace(read, rf"\b(?:the )+(?P<a>{_ENDS}) to (?P<b>{_ENDS}) distance\b", distance)
    if re.search(rf"\bdistances\b|\bfrom {_ENDS} to {_ENDS} than (?:from )?{_ENDS} to {_ENDS}", read.text):
        _replace(read, rf"\b(?:from )?(?P<a>{_ENDS}) to (?P<b>{_ENDS})\b", distance)
    _replace(read, rf"\b(?:the )?(?P<a>{THING}) ?- ?(?P<b>{THING}) distance\b", distance)


def _sizes(read: Measured) -> None:
    def size(match: re.Match[str]) -> Length:
        return Extent(match["of"], dimension_of(match["size"]))

    _replace(read, rf"\b(?:the )?(?P<size>{SIZE_NOUN}) of (?P<of>{THING})\b(?! and T)", size)
    _replace(read, rf"\b(?P<of>{THING})'s (?P<size>{SIZE_NOUN})\b", size)
