"""Quantities that are beside the point: uncertainties, reference lengths, denied ones; and units said in advance."""

import re
from collections.abc import Sequence

from udfs.language.numerals import Tokens
from udfs.language.quantity_parser import ParsedQuantity
from udfs.language.units import UNITS, NamedUnit, unit_at

_UNCERTAIN_BEFORE = re.compile(
    r"(?:\b(?:margins?|uncertaint\w*|tolerances?|accura\w+|precision|deviations?|error|errors|give or take"
    r"|plus or minus"
    r"|off by|within|confidence|resolution|std|sigma)\b|±|\+/[-−]|\+-)[^.;\n]{0,28}$",
    re.IGNORECASE,
)
_UNCERTAIN_AFTER = re.compile(
    r"\s*(?:of |in )?(?:margin|error|uncertaint|tolerance|accuracy|precision|either way|or so either"
    r"|in either direction)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|rather than|instead of|nor|as opposed to)|n['’]t(?: be)?)\s+(?:\w+\s){0,2}$", re.IGNORECASE
)
_COULD_BE = re.compile(
    r"\b(?:(?:could|might|may) (?:also |even )?(?:be|reach|range)(?: \w+){0,4}|maybe|as (?:much|little|high|low|far) as"
    r"|up to|at (?:most|least)|no (?:more|less) than)\s*$",
    re.IGNORECASE,
)
# A clause that starts with one of these, to its comma, bracket or end, is about something known, not about the answer.
_REFERENCE_CLAUSE = re.compile(
    r"\b(?:for (?:reference|comparison|context|scale)|as a (?:reference|comparison|sanity check)|(?:by"
    r"|in) contrast|by comparison)"
    r"\b(?:(?!,? (?:so|thus|therefore|hence)\b)(?:[^.;()\n]|(?<=\d)\.(?=\d)))*"
    r"|\b(?:assuming|assume[sd]?"
    r"|given that|given the|given an?|if (?:we|the|a|an|i|it|its)|using (?:the|a|an|its)|based on|knowing|considering"
    r"|(?:in )?compar(?:ed|ison|ing) (?:to|with)|relative to|unlike|whereas|with (?:a"
    r"|the) (?:typical|standard)"
    r"|since (?:a|an|the|most)|because (?:a|an|the)|taking|suppos(?:e|ing)|where (?:a|the)|(?:than|as) (?:the"
    r"|a|an|its))\b"
    r"(?:[^.,;:()\n]|(?<=\d)[.,](?=\d)|,(?= (?:which|that|whose|who|measuring|about|around|approximately)\b)"
    r"|\((?=[^()]*\))[^()]*\))*",
    re.IGNORECASE,
)
_TYPICAL = re.compile(
    r"\b(?:typical(?:ly)?|standard|average|usual(?:ly)?|normally|commonly|generally|reference|known (?:height"
    r"|width|size|length)"
    r"|regulation|most (?:doors|chairs|people|tables|adults))\b",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(
    r"(?:^|\n|(?<=[.!?:])\s+)\W*(?:reasoning|explanation|justification|rationale|note|notes|steps?|details|methodology|method"
    r"|assumptions?|here(?:['’]s| is) (?:why|how|my reasoning)|this (?:estimate|is based)|my reasoning)\b",
    re.IGNORECASE,
)
_HEDGED_ALONE = re.compile(
    r"\W*(?:(?:it|that|this)(?:['’]s| is)|sure|okay|answer|(?:i(?:['’]d| would)? (?:estimate|say|guess))"
    r"|estimated?|about"
    r"|around|roughly|approximately|approx|probably|maybe|perhaps|nearly|almost|just|only|some|circa|ca"
    r"|close to|exactly"
    r"|the|at|an?|estimate|distance|of|[\s.,:;!*~≈_()`\"'-])*",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")
_UNIT_NAMES = "|".join(sorted((name for name in UNITS if name.isalpha() and len(name) > 1), key=len, reverse=True))
_SQUARED = rf"(?:(?:square|sq\.?|cubic)\s+)?(?:{_UNIT_NAMES}|m)(?:\s*(?:\^?[23]|²|³)|\s+squared)?"
_ANNOUNCED = re.compile(
    rf"\(\s*(?:in\s+)?({_SQUARED})\s*\)|\[\s*(?:in\s+)?({_SQUARED})\s*\]|_(?:in_)?({_UNIT_NAMES}|m)\b"
    rf"|\bin\s+({_SQUARED})\b|(?:(?<=^)|(?<=\n)|(?<=[\s(]))({_SQUARED})\s*[:=]"
    rf"|(?:(?<=^)|(?<=[:=]\s))({_SQUARED})\s*(?:\Z|(?=\d))",
    re.IGNORECASE,
)
_OTHER_UNIT = re.compile(
    r"\s*(?:%|percent|per cent|px\b|pixels?\b|°\s?[CF]\b|kg\b|kilograms?\b|grams?\b|lbs?\b|pounds?\b|seconds?\b|secs?\b"
    r"|minutes?\b|mins?\b|hours?\b|hrs?\b|years?\b|fps\b|hz\b|mph\b|dollars?\b|usd\b|euros?\b|[a-z]+\s*(?:/\s*[a-z]|per\b))",
    re.IGNORECASE,
)
# A number of things is no length: "3 chairs wide".
_THINGS = re.compile(
    r"\s+(?!across|towards|upwards|perhaps|always|plus|minus|less|this|units)[a-z]{3,}s\b", re.IGNORECASE
)
_GLUED = re.compile(r"(?!x\b)[a-z]", re.IGNORECASE)


def has_other_unit(body: str, one: ParsedQuantity, counts: bool = False) -> bool:
    """Return whether a number without a known unit has another one, or is part of a word: "10 pixels", "5%", "3rd".

    Where it `counts`, things are no unit.
    """
    if not counts and _THINGS.match(body, one.end):
        return True
    return (_OTHER_UNIT.match(body, one.end) or _GLUED.match(body, one.end)) is not None


def announces(body: str) -> bool:
    """Return whether a text says any unit apart from its number."""
    return _ANNOUNCED.search(body) is not None


def announced_unit(body: str, start: int) -> NamedUnit | None:
    """Return the unit said before a number in the same sentence: "Distance (cm): 130", "In inches, it is 24"."""
    ends = [found.end() for found in _SENTENCE_END.finditer(body, 0, start)]
    found = list(_ANNOUNCED.finditer(body, ends[-1] if ends else 0, start))
    if not found:
        return None
    name = next(group for group in found[-1].groups() if group)
    unit = unit_at(Tokens(name), 0)
    return unit[0] if unit else None


def without_asides(body: str, found: Sequence[ParsedQuantity]) -> list[ParsedQuantity]:
    """Leave out uncertainties, then denied quantities, then reference lengths, as long as something else remains."""
    kept = list(found)
    for aside in (_uncertain, _denied, _possible, _explaining, _in_reference, _typical):
        rest = [one for one in kept if not aside(body, one)]
        if rest:
            kept = rest
    return kept


def answers_first(body: str, one: ParsedQuantity) -> bool:
    """Return whether a text begins with a quantity as a sentence or line of its own."""
    lead = _HEDGED_ALONE.match(body)
    end = _SENTENCE_END.search(body, one.end)
    rest = body[one.end : end.start() if end else len(body)]
    return lead is not None and lead.end() >= one.start and not re.search(r"\w", rest)


def _uncertain(body: str, one: ParsedQuantity) -> bool:
    before = re.split(r"\d(?=\D*$)", body[: one.start])[-1] if one.start else ""
    return bool(_UNCERTAIN_BEFORE.search(before) or _UNCERTAIN_AFTER.match(body, one.end))


def _denied(body: str, one: ParsedQuantity) -> bool:
    return _DENIED.search(body[: one.start]) is not None


def _possible(body: str, one: ParsedQuantity) -> bool:
    """Return whether a quantity is only what could be, beside what is."""
    return _COULD_BE.search(body[: one.start]) is not None


def _explaining(body: str, one: ParsedQuantity) -> bool:
    found = _EXPLAINS.search(body)
    return found is not None and bool(re.search(r"\d", body[: found.start()])) and one.start >= found.start()


def _in_reference(body: str, one: ParsedQuantity) -> bool:
    return any(found.start() <= one.start < found.end() for found in _REFERENCE_CLAUSE.finditer(body))


def _typical(body: str, one: ParsedQuantity) -> bool:
    """Return whether the clause of a quantity tells what is usual."""
    start = max((found.end() for found in _SENTENCE_END.finditer(body, 0, one.start)), default=0)
    end = _SENTENCE_END.search(body, one.end)
    sentence = body[start : end.start() if end else len(body)]
    before = re.split(r"[,;:]\s|\bso\b|\bthus\b|\btherefore\b", sentence[: one.start - start])[-1]
    after = re.split(r"[,;:()]|\bso\b", sentence[one.end - start :])[0]
    return _TYPICAL.search(before + after) is not None
