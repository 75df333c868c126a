"""Choosing among several quantities of an answer by precedence, the question, and what is beside the point."""

import re

from udfs.language.quantity_parser import CONVERSION_REL, ParsedQuantity
from vlm.evaluation.reading.aside import answers_first, without_asides
from vlm.evaluation.reading.precedence import CORRECTION, FINAL, VERDICT

_BESIDE = 24
_ANSWER = re.compile(rf"(?:{FINAL.pattern})|\banswer\b", FINAL.flags)
_CONCLUSION = re.compile(
    rf"(?:{VERDICT.pattern})|\b(?:in total|total of|equals|gives|comes (?:out )?to|works out to)\b|=", VERDICT.flags
)
_WEAK_MARKER = re.compile(
    r"\b(?:is|are|be)\s+(?:about|roughly|around|nearly|estimated at)\b|\bapproximately\b|≈|~", re.IGNORECASE
)
_DIMENSIONS = {
    "tall": "height",
    "high": "height",
    "wide": "width",
    "long": "length",
    "deep": "depth",
    "far": "distance",
}
_DIMENSIONS |= {"apart": "distance", "away": "distance", "gap": "distance", "taller": "height", "wider": "width"}
_SIZE = re.compile(r"[-\s]*(?:tall|high|wide|long|deep|thick|in (?:height|width|length|depth))\b", re.IGNORECASE)
_DISTANCE = re.compile(r"\b(?:distance|gap|separation|clearance|separated|apart)\b", re.IGNORECASE)
_APART = re.compile(r"\s*(?:apart|away|from|between)\b", re.IGNORECASE)
_COMMON_WORDS = (
    "the an is are how what of in to it its from and at by about between do does you that this can there have has "
    "which much many meters feet inches centimeters estimate approximately image please answer give me with on "
    "for be or roughly around total would say measured measure"
)
_COMMON = frozenset(_COMMON_WORDS.split())


def chosen_of(body: str, found: list[ParsedQuantity], flags: list[str], question: str) -> ParsedQuantity:
    """Return the quantity that is the answer, and add the flags `conversion` and `several`."""
    kept = without_asides(body, _without_conversions(found, flags))
    if all(_close(one, kept[0]) for one in kept):
        return kept[0]
    flags.append("several")
    stated = _stated(body, kept) or _about(body, kept, question)
    if stated is not None:
        return stated
    kept = _distances(body, kept) or kept
    if answers_first(body, kept[0]):
        return kept[0]
    return _after(body, kept, _WEAK_MARKER) or kept[-1]


def _without_conversions(found: list[ParsedQuantity], flags: list[str]) -> list[ParsedQuantity]:
    kept = [found[0]]
    for one in found[1:]:
        beside = one.start - kept[-1].end <= _BESIDE and one.unit != kept[-1].unit
        if beside and _close(one, kept[-1]):
            if "conversion" not in flags:
                flags.append("conversion")
            continue
        kept.append(one)
    return kept


def _stated(body: str, kept: list[ParsedQuantity]) -> ParsedQuantity | None:
    """Return the quantity after the last words that state an answer, a verdict or a correction."""
    for place in reversed([0, *(match.end() for match in CORRECTION.finditer(body))]):
        for marker in (_ANSWER, _CONCLUSION):
            if (found := _after(body, kept, marker, place)) is not None:
                return found
        after = [one for one in kept if one.start >= place]
        if place and after:
            return after[-1]
    return None


def _after(body: str, kept: list[ParsedQuantity], marker: re.Pattern[str], place: int = 0) -> ParsedQuantity | None:
    """Return the quantity that follows the last marker with one."""
    for match in reversed(list(marker.finditer(body, place))):
        after = [one for one in kept if one.start >= match.end()]
        if after:
            return after[0]
    return None


def _about(body: str, kept: list[ParsedQuantity], question: str) -> ParsedQuantity | None:
    """Return the only quantity whose clause shares most words with the question."""
    asked = _words(question)
    if not asked:
        return None
    shares = []
    for place, one in enumerate(kept):
        start = kept[place - 1].end if place else 0
        clause = re.split(r"[.!?;\n](?=\s|$)", body[start : one.start])[-1]
        after = re.split(r"[,.!?;\n(]|\band\b|\bwhile\b", body[one.end :])[0]
        shared = asked & (_words(clause) | _words(after))
        shares.append(len(shared) + len(shared & set(_DIMENSIONS.values())))
    best = [one for one, share in zip(kept, shares, strict=True) if share == max(shares)]
    return best[0] if len(best) == 1 else None


def _distances(body: str, kept: list[ParsedQuantity]) -> list[ParsedQuantity]:
    """Return the quantities called distances, where all others are called the size of one thing."""
    sizes = [one for one in kept if _SIZE.match(body, one.end)]
    rest = [one for one in kept if one not in sizes]
    return rest if sizes and rest and all(_is_distance(body, one) for one in rest) else []


def _is_distance(body: str, one: ParsedQuantity) -> bool:
    before = re.split(r"[.!?;\n](?=\s|$)", body[: one.start])[-1]
    return bool(_DISTANCE.search(before) or _APART.match(body, one.end))


def _words(text: str) -> set[str]:
    """Return the words of a text that tell what it is about, dimensions by one name."""
    words: list[str] = re.findall(r"[a-z]{2,}", text.lower())
    return {_DIMENSIONS.get(word, word) for word in words} - _COMMON


def _close(one: ParsedQuantity, other: ParsedQuantity) -> bool:
    return abs(one.value - other.value) <= CONVERSION_REL * max(abs(other.value), abs(one.value))
