"""Questions about what fits, passes and reaches."""

import re

from vlm.reason.offline.measures import Measured, between, end_of
from vlm.reason.offline.nodes import Between, Extent, Length, Stated, Total
from vlm.reason.offline.shared import END, PAIR, PASSES, Maker, compute, marks_of, things_of
from vlm.reason.tools import CAMERA, Dimension

_REFUSES = re.compile(
    r"\b(?:too (?:wide|big|large|broad|narrow|tight|small|tall|much)|gets? stuck|stuck|blocked|not fit|"
    r"unable|impossible)\b"
)
_REACH = re.compile(r"\b(?:reach(?:es|ed|ing|able)?|grab|grasp|touch|arms?|grips?|gripper|pick up|arm's length)\b")


def fits(read: Measured) -> Maker | None:
    """Read whether something passes or fits, or how much room is left."""
    text = read.text
    if not PASSES.search(text) or (_REACH.search(text) and "through" not in text):
        return None
    gaps = [mark for mark in marks_of(read, "M") if _is_gap(read, mark)]
    pair = re.search(rf"\bbetween {PAIR}\b", text)
    ends: set[str] = set()
    room: Length | None = None
    if gaps:
        room = read.measures[gaps[0]]
    elif pair:
        room = between(pair["a"], pair["b"], "gap")
    if isinstance(room, Between):
        ends, room = {room.a, room.b}, Between(room.a, room.b, "gap")
    lengths = marks_of(read, "L")
    spare = _spare(read)
    lengths = [mark for mark in lengths if mark not in spare]
    if room is None:
        found = _stated_room(read, lengths)
        if found is None:
            return None
        room, lengths = found
    need = _need(read, lengths, ends)
    if need is None:
        return None
    if spare:
        need = Total((need, *(Stated(value) for value in spare.values())))
    if re.search(r"\bhow (?:much|many|far|big|large)\b", text):
        # What is left is asked for, and not whether it fits.
        left = re.search(r"\b(?:left|remains?|remaining|to spare|spare)\b", text)
        return compute("{1} - {0}", need, room) if left else None
    expression = "not(fits({0}, {1}))" if _REFUSES.search(text) else "fits({0}, {1})"
    return compute(expression, need, room)


def _is_gap(read: Measured, mark: str) -> bool:
    one = read.measures[mark]
    return isinstance(one, Between) and CAMERA not in (one.a, one.b)


def _spare(read: Measured) -> dict[str, float]:
    """Return what is to be left free: "with La to spare on each side"."""
    match = re.search(
        r"\b(?:(?P<a>L[a-z]{1,2}) (?:to spare|of (?:clearance|slack|space|room|margin)|free|margin)|"
        r"(?:margin|clearance|leaving|spare) (?:of )?(?P<b>L[a-z]{1,2}))(?P<sides> (?:left )?(?:on|at|"
        r"to) (?:each|either|both|every) sides?)?",
        read.text,
    )
    if match is None:
        return {}
    mark = match["a"] or match["b"]
    return {mark: read.marked.lengths[mark] * (2.0 if match["sides"] else 1.0)}


def _stated_room(read: Measured, lengths: list[str]) -> tuple[Length, list[str]] | None:
    """Return the room where the question states it, such as "a gap of La" or "a shelf La wide"."""
    place = (
        r"(?:gap|opening|door(?:way)?|passage|corridor|hallway|shelf|space|slot|hole|window|gate|aisle|"
        r"box|crate|cabinet|niche|alcove|wall|room)"
    )
    for mark in lengths:
        around = (
            rf"{place}(?: (?:of|that is|which is|with a width of|is|only))* {mark}|{mark}(?: wide| high|"
            rf" tall| long)? {place}"
        )
        if re.search(rf"\b(?:{around})\b", read.text):
            return Stated(read.marked.lengths[mark]), [one for one in lengths if one != mark]
    if len(lengths) == 1 and things_of(read) and not re.search(r"\b(?:between|robot|cart|person|people)\b", read.text):
        return Stated(read.marked.lengths[lengths[0]]), []
    return None


def _need(read: Measured, lengths: list[str], ends: set[str]) -> Length | None:
    if lengths:
        return Stated(read.marked.lengths[lengths[0]])
    sizes = [read.measures[mark] for mark in marks_of(read, "M") if isinstance(read.measures[mark], Extent | Total)]
    if sizes:
        return sizes[0]
    movers = [thing for thing in things_of(read) if thing not in ends]
    if not movers:
        return None
    upright = re.search(r"\b(?:tall|high|under|height|upright)\b", read.text)
    dimension: Dimension = "height" if upright and "wide" not in read.text else "width"
    parts = tuple(Extent(one, dimension) for one in movers)
    return parts[0] if len(parts) == 1 else Total(parts)


def reach(read: Measured) -> Maker | None:
    """Read whether things are within a stated reach of a place."""
    text = read.text
    lengths, things = marks_of(read, "L"), things_of(read)
    within = re.search(rf"\bwithin (?P<l>L[a-z]{{1,2}})(?: of (?P<o>{END}))?", text)
    if not (_REACH.search(text) or within) or len(lengths) != 1 or not things:
        return None
    stated = Stated(read.marked.lengths[lengths[0]])
    marks = [mark for mark in marks_of(read, "M") if isinstance(read.measures[mark], Between)]
    if marks:
        return compute("reaches({0}, {1})", stated, read.measures[marks[0]])
    base = _base(read)
    targets = [thing for thing in things if thing != base]
    if within and within["o"] and within["o"] in targets and len(targets) > 1:
        base = end_of(within["o"])
        targets = [thing for thing in targets if thing != base]
    if len(targets) == 2 and base == CAMERA and not re.search(r"\bCAM\b", text):
        base, targets = targets[1], targets[:1]
    if not targets:
        return None
    expressions = [Between(base, target) for target in targets]
    if len(expressions) == 1:
        return compute("reaches({0}, {1})", stated, expressions[0])
    joined = "any" if re.search(r"\b(?:or|either|any)\b", text) and "both" not in text else "all"
    inner = ", ".join(f"reaches({{0}}, {{{number}}})" for number in range(1, len(expressions) + 1))
    return compute(f"{joined}({inner})", stated, *expressions)


def _base(read: Measured) -> str:
    """Return where the reach begins: "from Ta", "standing at Ta", or the camera."""
    place = (
        r"(?:standing|stands|stood|sitting|sits|seated|mounted|placed|parked|located|positioned|fixed|base|based|bolted|"
        r"attached|starting|rests|resting|installed|stationed)"
    )
    at = r"(?:at|on|ontop|next to|by|near|to|in front of|against|from|beside)"
    match = re.search(rf"\b{place}(?: right| directly| just)? {at} (?:the edge of )?(?P<t>{END})\b", read.text)
    match = match or re.search(rf"\b(?:from|at|next to|by|starting at) (?P<t>{END})\b", read.text)
    return end_of(match["t"]) if match else CAMERA
