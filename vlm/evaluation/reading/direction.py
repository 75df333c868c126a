"""Parsing sides, such as left or behind; `parse_clock` reads hours."""

import re

from vlm.evaluation.reading.clock import parse_clock
from vlm.evaluation.reading.marked import answer_part

__all__ = ["parse_clock", "parse_side"]

_SAID_AS = {
    "left": r"left(?:ward|wards|most|-hand)?",
    "right": r"right(?:ward|wards|most|-hand)?(?! (?:here|now|away|next|beside|behind|above|below|on top|in front))",
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
_AGREES = re.compile(r"\A\W*(?:that(?:['’]s| is) right|right|all right)\s*[,.!;:]", re.IGNORECASE)


def parse_side(text: str, sides: tuple[str, ...]) -> str | None:
    """Return the only one of `sides` that an answer names without denying it, else None."""
    body = _AGREES.sub("", answer_part(text).text)
    named = []
    for side in sides:
        places = list(re.finditer(rf"\b(?:{_SAID_AS.get(side, re.escape(side))})\b", body, re.IGNORECASE))
        if any(not _NOT.search(body[: place.start()]) for place in places):
            named.append(side)
    return named[0] if len(named) == 1 else None
