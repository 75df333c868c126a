"""Parsing hours of a clock face."""

import re

from udfs.language.numerals import Tokens, amount_at
from vlm.evaluation.reading.precedence import Rank, Statement, first_read, sentences
from vlm.evaluation.reading.refusal import without_refusals

_TIME = re.compile(r"(?<![\d:.])(2[0-4]|1\d|0?\d)[:h](\d\d)(?![\d:])(?:\s*(?:am|pm|a\.m\.|p\.m\.))?", re.IGNORECASE)
_OCLOCK = re.compile(
    r"\s*(?:[-\s]*['’`´]?\s*o\s*['’`´]*[\s-]*clock|[\s-]+hours?[\s-]+(?:position|direction|mark)|h\b|[点點]钟?|時"
    r"|\s+on (?:the|a) clock|\s*[ap]\.?m\b\.?)",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"\b(half|(?:a\s+)?quarter|ten|twenty|five|twenty[- ]five)\s+(past|after|to|before)\s+(\w+)", re.IGNORECASE
)
_MINUTES = {
    "half": 30,
    "quarter": 15,
    "a quarter": 15,
    "ten": 10,
    "twenty": 20,
    "five": 5,
    "twenty-five": 25,
    "twenty five": 25,
}
_MAYBE = re.compile(r"\b(?:maybe|perhaps|possibly)\s+(?:(?:at|even|closer to|about)\s+)*$", re.IGNORECASE)
_HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_READ_OUT = re.compile(
    rf"\b({'|'.join(_HOURS)})[- ](fifteen|twenty|thirty|forty|forty[- ]five|fifty)\b(?!\s*(?:past|to|degrees))",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\W*(?:it(?:['’]s| is)\s+)?(?:at\s+)?(?:(?:about|around|roughly|approximately|near|probably)\s+)+", re.IGNORECASE
)
_DENIED = re.compile(
    r"(?:\b(?:not|nor|never|neither|rather than|instead of|as opposed to|unlike|than)|n['’]t(?: be)?)"
    r"\s+(?:(?:at|in|the|exactly|quite|towards?|to|a|position|about|around|or)\s+){0,3}$",
    re.IGNORECASE,
)
# A clause about how the face lies, and not about the answer.
_FRAME = re.compile(
    r"\b(?:where|with|if|assuming|considering|given|taking|when|imagining|imagine|suppose|since|while|whereas|the"
    r"|(?:at|as) (?=(?:12|twelve|6|six)\b))"
    r"(?:(?!\b(?:then|so|but)\b)[^.,;\n])*?\b(?:straight ahead|facing|forwards?|directly (?:ahead|in front"
    r"|behind)|ahead"
    r"|in front|front|top|north|directly above|is behind|would be|being)\b[^.,;\n]*",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:hour|clock (?:direction|position|hour)|direction|position|clock)\b\s*(?:is|:|=|of)?\s*$", re.IGNORECASE
)


def parse_clock(text: str) -> float | None:
    """Return the hour in (0, 12] in an answer, or None: "3 o'clock", "1:30", "half past two", "2 to 3 o'clock".

    Hours of 24 are brought onto the face: 15:00 is 3, and 12:30 and 0:30 are 0.5. A denied hour ("not the 9 o'clock")
    and one that tells how the face lies ("where 12 o'clock is straight ahead") are left out. A bare number from 1 to 12
    counts if it is the whole answer.
    """
    return first_read(text, _read)


def _read(one: Statement) -> float | None:
    body = without_refusals(one.text)
    first = one.rank in (Rank.FINAL, Rank.VERDICT)
    hours = _hours(body)
    kept = [one for one in hours if not _beside(body, one[1])]
    kept = [one for one in kept if not _MAYBE.search(body[: one[1]])] or kept
    if kept:
        return kept[0 if first else -1][0]
    if hours and all(not _DENIED.search(body[:start]) for _, start in hours):
        return hours[-1][0]
    if hours:
        return None
    return _bare(next(iter(sentences(body)), "") if first else body)


def _bare(body: str) -> float | None:
    """Return a number from 1 to 12 that a text consists of, or that follows "direction:"."""
    tokens = Tokens(re.sub(r"[\s\W]+$", "", body))
    for start in range(len(tokens)):
        found = amount_at(tokens, start)
        if found is None or found[1] != len(tokens) or not 0 < found[0] <= 12:
            continue
        begins = tokens.items[start].start
        alone = start == 0 and not re.search(r"\w", body[:begins])
        if alone or _HEDGED.fullmatch(body, 0, begins) or _NAMED.search(body[:begins]):
            return _on_face(found[0])
    return None


def _beside(body: str, start: int) -> bool:
    frames = [found.span() for found in _FRAME.finditer(body)]
    return bool(_DENIED.search(body[:start])) or any(begin <= start < end for begin, end in frames)


def _hours(body: str) -> list[tuple[float, int]]:
    """Return every hour with its position, those of a range as their midpoint."""
    found: list[tuple[float, int]] = []
    for match in _TIME.finditer(body):
        hour, minute = int(match[1]), int(match[2])
        if minute < 60:
            found.append((_on_face(hour + minute / 60), match.start()))
    for match in _SPOKEN.finditer(body):
        hour = amount_at(Tokens(match[3]), 0)
        if hour is not None and 1 <= hour[0] <= 12:
            minutes = _MINUTES[" ".join(match[1].lower().split())] / 60
            before = match[2].lower() in ("to", "before")
            found.append((_on_face(hour[0] - minutes if before else hour[0] + minutes), match.start()))
    for match in _READ_OUT.finditer(body):
        minutes = amount_at(Tokens(match[2]), 0)
        if minutes is not None:
            hour_named = _HOURS.index(match[1].lower()) + 1
            found.append((_on_face(hour_named + minutes[0] / 60), match.start()))
    spoken = [
        (match.start(), match.end()) for pattern in (_TIME, _SPOKEN, _READ_OUT) for match in pattern.finditer(body)
    ]
    for match in _OCLOCK.finditer(body):
        if any(start < match.start() <= end + 1 for start, end in spoken):
            continue
        hour = _hour_before(body[: match.start()])
        if hour is not None:
            found.append(hour)
    return sorted(found, key=lambda one: one[1])


def _hour_before(said: str) -> tuple[float, int] | None:
    tokens = Tokens(said)
    for back in (4, 3, 2, 1):
        place = len(tokens) - back
        lower = amount_at(tokens, place) if place >= 0 else None
        if lower is None or not 0 < lower[0] <= 24:
            continue
        start = tokens.items[place].start
        if lower[1] == len(tokens):
            return _on_face(lower[0]), start
        upper = amount_at(tokens, lower[1] + 1) if tokens[lower[1]] in ("to", "-", "or", "and", "~", "/") else None
        if upper is not None and upper[1] == len(tokens) and upper[0] <= 12:
            return _middle(lower[0], upper[0]), start
    return None


def _middle(one: float, other: float) -> float:
    return _on_face((one + ((other - one + 6) % 12 - 6) / 2) % 12)


def _on_face(hour: float) -> float:
    return hour % 12 or 12.0
