"""Reads a question in one of the engine's own wordings: its type, and the objects that it names."""

import re
from functools import cache

from udfs.questions.registry import askable_types
from udfs.questions.wordings import NoWordings, asks_by_variant, questions
from vlm.reason.answers import Typed
from vlm.reason.names import Names, plain

_SLOT = re.compile(r"\{(A|B|surface)\}")
_WORDS = re.compile(r"[^a-z0-9{}]+")


def asked_type(question: str, names: Names) -> Typed | None:
    """Return the type and the objects of a question in the engine's wordings, None if it is in none of them."""
    text = _normal(question)
    for pattern, type_id, side, slots in _patterns():
        match = pattern.fullmatch(text)
        if match is None:
            continue
        found = {slot: match[slot] for slot in slots}
        known = {plain(_normal(one.name)): one.name for one in names.objects}
        meant = [known.get(plain(found[slot])) for slot in sorted(found)]
        objects = tuple(one for one in meant if one is not None)
        if len(objects) == len(slots):
            return Typed(type_id, objects, side, picks=True)
    return None


def _normal(text: str) -> str:
    return " ".join(_WORDS.sub(" ", text.lower()).split())


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str, str | None, tuple[str, ...]], ...]:
    """Return the wordings of all types that can be asked for as patterns, the longest first."""
    found = []
    for kind in askable_types():
        type_id = kind.type_id
        try:
            variants = list(kind.variants) if asks_by_variant(type_id) else [None]
            pools = [(variant, questions(type_id, variant)) for variant in variants]
        except NoWordings:
            continue
        for variant, pool in pools:
            found += [(wording.text, type_id, variant) for wording in pool]
    found.sort(key=lambda one: -len(one[0]))
    return tuple((_pattern(text), type_id, side, _slots(text)) for text, type_id, side in found)


def _slots(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(slot for slot in _SLOT.findall(text) if slot != "surface"))


def _pattern(text: str) -> re.Pattern[str]:
    parts, seen = [], set()
    for piece in re.split(r"(\{[A-Za-z]+\})", text):
        slot = piece[1:-1] if piece.startswith("{") else ""
        if not slot:
            parts.append(re.escape(_normal(piece)).replace(r"\ ", " "))
        elif slot == "surface":
            parts.append("(?:floor|table top|ground|table)")
        else:
            parts.append(f"(?P={slot})" if slot in seen else f"(?P<{slot}>.+?)")
            seen.add(slot)
    return re.compile(" ".join(part for part in parts if part))
