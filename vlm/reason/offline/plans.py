"""The kinds of composed questions that the grammar reads, each with the plan that answers it."""

import re

from vlm.reason.offline.chains import RELATION_WORDS, THING
from vlm.reason.offline.figures import path, stack, triangle
from vlm.reason.offline.fits import fits, reach
from vlm.reason.offline.lengths import added, comparison, difference, multiple, number, ratio
from vlm.reason.offline.measures import Measured
from vlm.reason.offline.nodes import Mentioned
from vlm.reason.offline.ranks import choice, order
from vlm.reason.offline.shared import Maker, marks_of
from vlm.reason.offline.work import Cannot, Plan, Work
from vlm.reason.tools import RelationName

_NEGATED = re.compile(r"\b(?:not|never|cannot|without|except|neither|nor)\b|n't\b")
# Words that change what is asked, and that no plan reads.
_UNREAD = re.compile(
    r"\b(?:half of|average|mean|twice the|double the|second|third|two of|all of the)\b|"
    r"\bhow many (?!times\b|(?:whole |full )?(?:(?:centi|milli|kilo)?met(?:er|re)s?|[cmk]?m|in(?:ch(?:es)?)?|feet|"
    r"foot|ft|yards?|degrees?)\b)|"
    r"\b(?:how|what|which|is|are)\b[^?]*\band (?:how|what|which) (?:far|tall|wide|high|deep|is|are|much|many|one)\b"
)
_HANDLED = re.compile(
    r"\b(?:no|not) (?:more|less|fewer|smaller|larger) than\b|\bor not\b|\bnot fit\b|\bwhether or not\b"
)
_ASKING = frozenset(re.findall(r"\w+", "which what who name find identify tell point locate where pick show give see"))
_FILLING = frozenset(
    re.findall(
        r"\w+",
        "of all objects things items is are s the to out at it that this one object thing item would be there do you "
        "me a in other here",
    )
)


def plan_of(read: Measured) -> Maker | None:
    """Return the plan for a question, None if the grammar does not read it."""
    if _NEGATED.search(_HANDLED.sub(" ", read.text)) or _UNREAD.search(read.text):
        return None
    has_multiple = bool(marks_of(read, "K"))
    for reader in _READERS:
        if has_multiple and reader not in (multiple, ratio):
            continue
        made = reader(read)
        if made is not None:
            return made
    return None


def _relation(read: Measured) -> Maker | None:
    """Read "is Ta left of Tb"."""
    for words, relation in RELATION_WORDS:
        match = re.search(
            rf"\b(?P<a>{THING}) (?:(?:to|on|at) )?(?:[a-z]+ ){{0,3}}?(?:{words}) (?P<b>{THING})\b", read.text
        )
        if match and re.match(r"(?:is|are|does|do|would|can|could|so|and|tell|say)\b", read.text):
            a, b = match["a"], match["b"]
            return lambda work, name=relation: _related(work, a, name, b)
    return None


def _related(work: Work, a: str, relation: RelationName, b: str) -> Plan:
    first = yield from work.thing(a)
    second = yield from work.thing(b)
    if first == second:
        raise Cannot(f"The question compares {first} with itself.")
    return (yield from work.call("relation", a=first, relation=relation, b=second))


def _which(read: Measured) -> Maker | None:
    """Read a question that asks for one thing by its relations, all of which are in its mark by now."""
    things = re.findall(rf"\b{THING}\b", read.text)
    words = set(re.findall(r"[a-zA-Z]+", re.sub(rf"\b{THING}\b", " ", read.text)))
    if len(things) != 1 or not (words & _ASKING or not words) or not words <= _ASKING | _FILLING:
        return None
    if isinstance(read.marked.things[things[0]], Mentioned):
        return None
    return lambda work: work.found(things[0])


_READERS = (
    triangle, order, ratio, multiple, path, reach, stack, fits, choice, difference, added, comparison,
    _relation, _which, number,
)  # fmt: skip
