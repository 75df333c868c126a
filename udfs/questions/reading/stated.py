"""Finds what a question states beside names: "a robot 80 cm wide", "a reach of 2 ft", "a wheelchair user"."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from udfs.language.quantity_parser import quantities
from udfs.language.vocabulary import vocabulary
from udfs.questions.bodies import Body, Measure, Stated, bodies

WHO, ME = "@who", "@me"
_LENGTH = "@length"
_ARTICLE = rf"(?:(?:{'|'.join(sorted(vocabulary().articles))}|some|any|one) )"
# No noun of what is stated goes on over one of these.
_STOPS = (
    "is are was be can could will would does do did has have with of that which who for to from between through under "
    "beneath below into in on onto at by and or than if there enough room space fit pass get reach how what the a an "
    "wide tall high broad deep long gap passage"
)
_NOUN = rf"(?:(?!(?:{'|'.join(_STOPS.split())})\b)[a-z][a-z-]*)"
_SAID: Mapping[str, Measure] = {
    "wide": "width_m", "width": "width_m", "broad": "width_m", "across": "width_m", "tall": "height_m",
    "height": "height_m", "high": "height_m", "reach": "reach_m", "reaches": "reach_m", "arm": "reach_m",
    "arms": "reach_m",
}  # fmt: skip
_OF = (
    r"(?:(?:that|which|who) )?"
    r"(?:is |are |measures |needs |has |requires |takes |needing |measuring |having |with |of )?"
    r"(?:a |an )?(?:clear |total |maximum )?(?:(?:width|height|reach|arm|arms) (?:of )?|arm that reaches )?"
    r"(?:about |roughly |around |only |just )?"
)
_AFTER = (
    r"(?: (?:of width|of height|of reach|in width|in height|wide|broad|across|tall|high|width|height|"
    r"(?:long )?(?:reach|arms?)|long))?"
)
_SIZED = tuple(
    # "A reach of 1 m" ends there in "would an arm with a reach of 1 m reach the mug?".
    re.compile(
        rf"\b(?:(?:{_ARTICLE}(?:{_NOUN} ){{0,2}}{_NOUN}|something|anything|someone|somebody|things?) "
        rf"{_OF}{_LENGTH}{after}|"
        rf"{_ARTICLE}?{_LENGTH} (?:wide |broad |tall |high |long |reach )?(?:{_NOUN} )?{_NOUN}{end})(?= |$)"
    )
    for after, end in ((_AFTER, "(?: reach)?"), ("", ""))
)
_PRONOUNS = ("i", "me", "we", "us", "one", "somebody", "someone")
_PEOPLE = ("person", "man", "woman", "human", "grown-up", "grownup")
_CALLED = {
    "wheelchair_user": ("person in a wheelchair", "wheelchair", "someone in a wheelchair", "person using a wheelchair"),
    "robot_vacuum": ("vacuum robot", "robot vacuum cleaner", "roomba", "robotic vacuum"),
    "toddler": ("small child", "two-year-old"),
    "adult": _PEOPLE,
}
_FEET = ((r"(\d)\s*(?:'|′|’)\s*(\d)", r"\1 feet \2"), (r'(\d)\s*(?:"|″|”)', r"\1 inches"), (r"(\d)\s*′", r"\1 feet"))


class Said(NamedTuple):
    """A sentence in which who or what it states is one sign, `WHO` or `ME`, and what that is.

    `measure` is the length of it that the sentence gives, None where it does not say which.
    """

    sentence: tuple[str, ...]
    stated: Stated
    measure: Measure | None


class Unstated(NamedTuple):
    """A sentence about a person or a robot whose length it leaves to the table."""

    sentence: tuple[str, ...]
    body: Body


def with_inches(question: str) -> str:
    """Return a question in which feet and inches are written out, since their signs are no words."""
    for pattern, plain in _FEET:
        question = re.sub(pattern, plain, question)
    return question


def stated_in(words: tuple[str, ...]) -> Iterator[Said | Unstated]:
    """Yield the ways to take from a sentence who or what it states, the longest phrase first."""
    text, lengths = _with_lengths(" ".join(words))
    if len(lengths) > 1:
        return
    found: list[tuple[int, Said | Unstated]] = []
    for start in [0, *(place.end() for place in re.finditer(" ", text))] if lengths else ():
        for match in filter(None, (pattern.match(text, start) for pattern in _SIZED)):
            stated = Stated(lengths[0], _body_of(match[0]))
            found.append((len(match[0]), Said(_signed(text, match.span(), WHO), stated, _measure(match[0]))))
    for pattern, body, sign in () if lengths else _phrases():
        for match in pattern.finditer(text):
            found.append((len(match[0]), Unstated(_signed(text, match.span(), sign), body)))
    yield from (said for _, said in sorted(found, key=lambda one: -one[0]))


def _with_lengths(text: str) -> tuple[str, list[float]]:
    parts, lengths, end = [], [], 0
    for one in quantities(text):
        if one.unit is not None and one.unit.unit_si == "m":
            parts += [text[end : one.start], f" {_LENGTH} "]
            lengths.append(one.value)
            end = one.end
    return " ".join("".join([*parts, text[end:]]).split()), lengths


def _signed(text: str, span: tuple[int, int], sign: str) -> tuple[str, ...]:
    return tuple(f"{text[: span[0]]} {sign} {text[span[1] :]}".split())


def _measure(phrase: str) -> Measure | None:
    said: list[Measure] = [_SAID[word] for word in phrase.split() if word in _SAID]
    return said[0] if len(set(said)) == 1 else None


def _body_of(phrase: str) -> Body | None:
    """Return the person or robot that a phrase with a length begins with, as in the engine's own wordings."""
    return next((body for body in bodies() if phrase.startswith(f"{' '.join(body.name.lower().split())} ")), None)


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], Body, str], ...]:
    made: list[tuple[re.Pattern[str], Body, str]] = []
    for body in bodies():
        names = [re.sub(r"^an? ", "", body.name.lower()), *_CALLED.get(body.key, ())]
        said = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        made.append((re.compile(rf"\b{_ARTICLE}?(?:{said})(?= |$)"), body, WHO))
        if body.key == "adult":
            for sign, said in ((ME, "|".join((*_PRONOUNS, "my"))), (WHO, "|".join(_PRONOUNS))):
                made.append((re.compile(rf"(?:(?<= )|^)(?:{said})(?= |$)"), body, sign))
    return tuple(made)
