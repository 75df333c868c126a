"""Parsing directions: hours of a clock face, and sides."""

import re

from udfs.language.numerals import Tokens, amount_at
from vlm.evaluation.reading.marked import answer_part
from vlm.evaluation.reading.refusal import without_refusals

_SAID_AS = {
    "left": r"left(?:ward|wards|most|-hand)?",
    "right": r"right(?:ward|wards|most|-hand)?",
    "front": r"(?:in )?front|ahead of|nearer|closer",
    "behind": r"behind|in back of|at the back",
    "higher": r"higher|above|upper|taller",
    "lower": r"lower|below|beneath|under(?:neath)?",
    "closer": r"closer|nearer|less far",
    "farther": r"farther|further|more distant",
    "wider": r"wider|broader",
    "narrower": r"narrower|less wide",
    "taller": r"taller|higher",
    "shorter": r"shorter|less tall|lower",
}
_NOT = re.compile(r"\b(?:not|isn['’]t|nor|rather than|instead of|neither)\b[^.,;]{0,24}$", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<hour>1[0-2]|0?[1-9]):(?P<minute>[0-5]\d)\b")
_OCLOCK = re.compile(r"\s*(?:['’`]?\s*o\s*['’`]?\s*clock|\s+hours?\s+(?:position|direction)|h\b)", re.IGNORECASE)


def parse_clock(text: str) -> float | None:
    """Return the hour in (0, 12] in an answer, or None: "3 o'clock", "1:30", "2 to 3 o'clock".

    A bare number from 1 to 12 counts if it is the whole answer.
    """
    body = without_refusals(answer_part(text).text)
    hours = _hours(body)
    if hours:
        return hours[-1]
    clock = list(_CLOCK.finditer(body))
    if clock:
        return _on_face(int(clock[-1]["hour"]) + int(clock[-1]["minute"]) / 60)
    tokens = Tokens(body)
    only = amount_at(tokens, 0)
    whole = only is not None and only[1] == len(tokens) and only[0] in range(1, 13)
    return _on_face(only[0]) if only and whole else None


def parse_side(text: str, sides: tuple[str, ...]) -> str | None:
    """Return the only one of `sides` that an answer names without denying it, else None."""
    body = answer_part(text).text
    named = []
    for side in sides:
        places = list(re.finditer(rf"\b(?:{_SAID_AS.get(side, re.escape(side))})\b", body, re.IGNORECASE))
        if any(not _NOT.search(body[: place.start()]) for place in places):
            named.append(side)
    return named[0] if len(named) == 1 else None


def _hours(body: str) -> list[float]:
    """Return the hour before every "o'clock"; a range yields its midpoint."""
    found = []
    for match in _OCLOCK.finditer(body):
        tokens = Tokens(body[: match.start()])
        for back in (4, 3, 2, 1):
            lower = amount_at(tokens, len(tokens) - back)
            if lower is None:
                continue
            if lower[1] == len(tokens):
                found.append(_on_face(lower[0]))
                break
            upper = amount_at(tokens, lower[1] + 1) if tokens[lower[1]] in ("to", "-", "or", "and") else None
            if upper is not None and upper[1] == len(tokens):
                found.append(_middle(lower[0], upper[0]))
                break
    return [hour for hour in found if 0 < hour <= 12]


def _middle(one: float, other: float) -> float:
    return _on_face((one + ((other - one + 6) % 12 - 6) / 2) % 12)


def _on_face(hour: float) -> float:
    return hour if 0 < hour <= 12 else (hour - 1) % 12 + 1
