"""Questions about what several things form together: triangles, ways from one to the next, stacks and rows."""

import re
from collections.abc import Generator, Sequence
from itertools import pairwise

from vlm.reason.offline.chains import THING
from vlm.reason.offline.measures import Measured, between, dimension_of, end_of
from vlm.reason.offline.nodes import Between, Extent, Total
from vlm.reason.offline.shared import (
    ADJECTIVES,
    END,
    FEWER,
    LESS,
    MORE,
    PASSES,
    Maker,
    compute,
    limit_of,
    marks_of,
    summed,
    things_of,
)
from vlm.reason.offline.work import Call, Plan, Work
from vlm.reason.tools import Dimension
from vlm.reason.transcript import Step


def triangle(read: Measured) -> Maker | None:
    """Read which triangle three things form, or whether it is of one kind."""
    text = read.text
    asked = re.search(r"\b(isosceles|equilateral|scalene)\b", text)
    if not asked and not re.search(r"\btriang(?:le|ular)", text):
        return None
    things = things_of(read)
    if len(things) != 3 or re.search(r"\b(?:perimeter|circumference|around)\b", text):
        return None
    kinds = set(re.findall(r"\b(?:isosceles|equilateral|scalene)\b", text))
    function = kinds.pop() if len(kinds) == 1 else "triangle"

    def plan(work: Work) -> Plan:
        sides = yield from _sides(work, things)
        return (yield from work.compute(f"{function}({', '.join(sides)})"))

    return plan


def _sides(work: Work, things: Sequence[str]) -> Generator[Call, Step, list[str]]:
    a, b, c = things
    made = []
    for pair in ((a, b), (b, c), (a, c)):
        made.append((yield from work.length(between(*pair), "center")))
    return made


def path(read: Measured) -> Maker | None:
    """Read how long a way along several things is, or how much longer than the direct one."""
    text = read.text
    things = things_of(read)
    if re.search(r"\b(?:perimeter|circumference|round trip|all the way (?:a)?round)\b", text) and len(things) >= 3:
        return summed([between(a, b) for a, b in zip(things, [*things[1:], things[0]], strict=True)])
    if re.search(r"\b(?:and back|round trip)\b", text) and len(things) == 2:
        return compute("2 * {0}", between(things[0], things[1]))
    legs = [] if re.search(r"\b(?:which|nearest|farthest|who)\b", text) else _legs(read)
    if len(legs) < 2:
        return None
    total = Total(tuple(legs))
    if re.search(r"\b(?:detour|longer|farther|extra|additional|more)\b", text) and re.search(
        r"\b(?:detour|direct(?:ly)?|straight|shortcut|instead)\b", text
    ):
        first, last = legs[0].a, legs[-1].b
        return compute("{0} - {1}", total, Between(first, last))
    limit = limit_of(read)
    if limit:
        return compute(f"{{0}} {limit[0]} {{1}}", total, limit[1])
    return summed(legs)


def _legs(read: Measured) -> list[Between]:
    """Return the legs of a path: "from Ta to Tb and then to Tc", "from Ta via Tb to Tc"."""
    text = re.sub(
        rf"\bto (?P<t>{END}),? (?:and )?(?:then |after that |next )?(?:on )?from (?P=t) (?:on )?to\b",
        r"to \g<t> to",
        read.plain,
    )
    via = r"(?:via|by way of|through|past|over)"
    text = re.sub(rf"\bfrom ({END}) to ({END}) {via} ({END})\b(?! to)", r"from \1 to \3 to \2", text)
    then = r",? ?(?:and |then |and then |and on |on |onward |onwards |next |afterwards |finally |from there |back )*"
    stop = rf"(?:{then}(?:to|via|through|over|past|towards|visit|visiting|by way of) |, (?:and )?then |, )"
    rule = rf"\bfrom (?P<first>{END})(?P<rest>(?:{stop}(?:{END}|S[a-z])){{1,6}})"
    match = re.search(rule, text)
    if match is None:
        rule = rf"\bfrom (?P<first>{END}) (?:to|via) (?P<rest>S[a-z])\b"
        match = re.search(rule, text) or re.search(
            r"\b(?:from|via|visit\w*|along|connecting|joining) (?P<first>)(?P<rest>S[a-z])\b", text
        )
    if match is None or not re.search(
        r"\b(?:how (?:far|long|much)|total|distance|path|way|walk|walking|trip|route|length|tour|string|rope|detour|"
        r"farther|cable|line)\b",
        text,
    ):
        return []
    stops = [match["first"]] if match["first"] else []
    for mark in re.findall(rf"{END}|S[a-z]\b", match["rest"]):
        stops += read.marked.lists.get(mark, (mark,))
    via = re.search(
        rf"\b(?:via|by way of|passing(?: by)?|stopping (?:off )?at|touching|going through) (?P<via>{END})", text
    )
    if len(stops) == 2 and via and via["via"] not in stops:
        stops.insert(1, via["via"])
    return [Between(end_of(a), end_of(b)) for a, b in pairwise(stops)]


_ASKS_WHETHER_ON = re.compile(rf"(?:is|are|does|do) {THING}(?: [a-z]+){{0,2}} ontop {THING}\W*$")


def stack(read: Measured) -> Maker | None:
    """Read "if Ta stood on Tb, how tall would they be", "Ta and Tb side by side, how wide"."""
    text, things = read.text, things_of(read)
    marks = marks_of(read, "M")
    if len(things) < 2 and not marks:
        return None
    stacked = re.search(r"\b(?:stack(?:ed|ing|s)?|ontop|one above the other|piled?)\b", text)
    beside = re.search(r"\b(?:side by side|next to|in a row|together|altogether|combined|in total|lined up)\b", text)
    tall = re.search(r"\b(?:tall|high|height|taller|higher)\b", text)
    if both := re.search(
        rf"(?P<x>{THING}) .*?(?P<w>\w+er) than (?P<y>{THING}) and (?P<z>{THING}) (?:together|combined)", text
    ):
        return _against_both(both)
    wide = re.search(r"\b(?:wide|width|wider|across|broad|long|length)\b", text)
    if not (stacked or (beside and (tall or wide))):
        return None
    if _ASKS_WHETHER_ON.match(text):
        return None
    if re.search(r"\bdifference\b", text) or PASSES.search(
        text.replace("put", "").replace("placed", "").replace("stand", "")
    ):
        return None
    dimension: Dimension = "height" if stacked or (tall and not wide) else "width"
    limit = limit_of(read)
    third = re.search(
        rf"\b(?:{MORE}|{LESS}|than|reach(?:es)? (?:the )?(?:top|height) of|as (?:tall|high|"
        rf"wide) as) (?P<t>{THING})\b",
        text,
    )
    parts = [one for one in things if not (third and one == third["t"])] if third else things
    if len(parts) < 2:
        return None
    total = Total(tuple(Extent(one, dimension) for one in parts))
    if limit:
        return compute(f"{{0}} {limit[0]} {{1}}", total, limit[1])
    if third:
        sign = "<" if re.search(r"\b(?:shorter|lower|narrower|less)\b", text) else ">"
        if re.search(r"\bhow much\b", text):
            return compute("{0} - {1}", total, Extent(third["t"], dimension))
        return compute(f"{{0}} {sign} {{1}}", total, Extent(third["t"], dimension))
    return compute("{0}", total)


def _against_both(match: re.Match[str]) -> Maker | None:
    """Compare one thing with two together: "is Ta wider than Tb and Tc together"."""
    if not re.fullmatch(ADJECTIVES, match["w"]):
        return None
    dimension = dimension_of(match["w"])
    total = Total((Extent(match["y"], dimension), Extent(match["z"], dimension)))
    sign = "<" if match["w"].startswith(FEWER) else ">"
    return compute(f"{{0}} {sign} {{1}}", Extent(match["x"], dimension), total)
