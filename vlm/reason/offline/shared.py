"""What several kinds of composed questions are read with, and the plans that they share."""

import re
from collections.abc import Callable, Sequence

from vlm.reason.offline.chains import THING
from vlm.reason.offline.measures import Measured
from vlm.reason.offline.nodes import Between, Length, Stated, Total
from vlm.reason.offline.work import Plan, Work

Maker = Callable[[Work], Plan]
END = rf"(?:{THING}|CAM)"
PAIR = rf"(?P<a>{END}) (?:and|to|from) (?:the )?(?P<b>{END})"
PASSES = re.compile(
    r"\b(?:pass(?:es|ed|ing)?|fits?|fitted|squeezed?|squeezes|slip|slide|drive|driven|roll|rolled|walk|move|moved|"
    r"navigate|steer|wide enough|big enough|large enough|enough (?:space|room|clearance)|room (?:for|enough)|"
    r"too (?:wide|big|large|broad|narrow|tight|small)|through|makes? it|get (?:by|past|between)|go (?:by|past|between)|"
    r"gets? stuck|stuck|push(?:ed)?|pull(?:ed)?|carry|carried|park(?:ed)?|placed?|put|stand|sufficient|accommodate|"
    r"for (?:something|someone|anything|a|an)|allows?|admits?|permits?|suffices?|clears?|passable|"
    r"narrow enough|way through|leave (?:space|room) for|hold|holds|travel|wheel(?:ed)?|maneuver)\b"
)
MORE = (
    r"(?:more than|over|above|exceeds?|exceeding|greater than|larger than|longer than|bigger than|"
    r"wider than|taller than|beyond)"
)
LESS = r"(?:less than|under|below|shorter than|smaller than|narrower than|closer than|fewer than|within)"
ADJECTIVES = r"(?:tall|taller|high|higher|shorter|wide|wider|broad|broader|narrow|narrower|thinner|deep|deeper)"
FEWER = ("shorter", "narrower", "thinner", "closer", "close", "near")


def things_of(read: Measured, text: str | None = None) -> list[str]:
    """Return the things of a text in order, those of lists too."""
    found: dict[str, None] = {}
    for mark in re.findall(rf"\b(?:{THING}|S[a-z])\b", read.text if text is None else text):
        found |= dict.fromkeys(read.marked.lists.get(mark, (mark,)))
    return list(found)


def marks_of(read: Measured, first: str) -> list[str]:
    """Return the marks of a kind in a question, in order."""
    return re.findall(rf"\b{first}[a-z]{{1,2}}\b", read.text)


def limit_of(read: Measured) -> tuple[str, Stated] | None:
    """Return the sign and the length of a limit that the question states: "more than La"."""
    for sign, words in (
        (">=", r"at least|no less than|not less than|a minimum of"),
        ("<=", r"at most|no more than|not more than|a maximum of|up to"),
        (">", MORE),
        ("<", LESS),
    ):
        match = re.search(rf"\b(?:{words}) (?:about |roughly )?(?P<l>L[a-z]{{1,2}})\b", read.text)
        if match:
            return sign, Stated(read.marked.lengths[match["l"]])
    return None


def compute(template: str, *lengths: Length) -> Maker:
    """Return the plan that measures lengths and fills them into an expression."""

    def plan(work: Work) -> Plan:
        made = []
        for one in lengths:
            made.append((yield from work.length(one)))
        expression = template.format(*made)
        return made[0] if re.fullmatch(r"r\d+", expression) else (yield from work.compute(expression))

    return plan


def compute_all(function: str, lengths: Sequence[Length]) -> Maker:
    """Return the plan that applies a function to several lengths."""
    marks = ", ".join(f"{{{number}}}" for number in range(len(lengths)))
    return compute(f"{function}({marks})", *lengths)


def summed(legs: Sequence[Between]) -> Maker:
    """Return the plan that adds distances."""
    return compute("{0}", Total(tuple(legs)))
