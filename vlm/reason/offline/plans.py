"""The kinds of composed questions that the grammar reads, each with the plan that answers it."""

import re
from collections.abc import Callable, Generator, Sequence
from itertools import pairwise

from vlm.reason.offline.chains import RELATION_WORDS, THING
from vlm.reason.offline.measures import Measured, between, dimension_of, end_of
from vlm.reason.offline.nodes import Between, Extent, Length, Mentioned, Stated, Total
from vlm.reason.offline.work import Call, Cannot, Plan, Work
from vlm.reason.tools import CAMERA, Dimension, RelationName
from vlm.reason.transcript import Step

Maker = Callable[[Work], Plan]
_END = rf"(?:{THING}|CAM)"
_PAIR = rf"(?P<a>{_END}) (?:and|to|from) (?:the )?(?P<b>{_END})"
_PASSES = re.compile(
    r"\b(?:pass(?:es|ed|ing)?|fits?|fitted|squeezed?|squeezes|slip|slide|drive|driven|roll|rolled|walk|move|moved|"
    r"navigate|steer|wide enough|big enough|large enough|enough (?:space|room|clearance)|room (?:for|enough)|"
    r"too (?:wide|big|large|broad|narrow|tight|small)|through|makes? it|get (?:by|past|between)|go (?:by|past|between)|"
    r"gets? stuck|stuck|push(?:ed)?|pull(?:ed)?|carry|carried|park(?:ed)?|placed?|put|stand|sufficient|accommodate|"
    r"for (?:something|someone|anything|a|an)|allows?|admits?|permits?|suffices?|clears?|passable|"
    r"narrow enough|way through|leave (?:space|room) for|hold|holds|travel|wheel(?:ed)?|maneuver)\b"
)
_REFUSES = re.compile(
    r"\b(?:too (?:wide|big|large|broad|narrow|tight|small|tall|much)|gets? stuck|stuck|blocked|not fit|"
    r"unable|impossible)\b"
)
_NEGATED = re.compile(r"\b(?:not|never|cannot|without|except|neither|nor)\b|n't\b")
# Words that change what is asked, and that no plan reads.
_UNREAD = re.compile(
    r"\b(?:half of|average|mean|twice the|double the|second|third|two of|all of the)\b|"
    r"\b(?:how|what|which|is|are)\b[^?]*\band (?:how|what|which) (?:far|tall|wide|high|deep|is|are|much|many|one)\b"
)
_HANDLED = re.compile(
    r"\b(?:no|not) (?:more|less|fewer|smaller|larger) than\b|\bor not\b|\bnot fit\b|\bwhether or not\b"
)
_REACH = re.compile(r"\b(?:reach(?:es|ed|ing|able)?|grab|grasp|touch|arms?|grips?|gripper|pick up|arm's length)\b")
_ORDER = re.compile(r"\b(?:order|orders|ordered|sort|sorted|arranged?|rank|ranked|ranking|sequence|line[- ]up|list)\b")
_MORE = (
    r"(?:more than|over|above|exceeds?|exceeding|greater than|larger than|longer than|bigger than|"
    r"wider than|taller than|beyond)"
)
_LESS = r"(?:less than|under|below|shorter than|smaller than|narrower than|closer than|fewer than|within)"
_ADJECTIVES = r"(?:tall|taller|high|higher|shorter|wide|wider|broad|broader|narrow|narrower|thinner|deep|deeper)"
_ASKING = frozenset(re.findall(r"\w+", "which what who name find identify tell point locate where pick show give see"))
_FILLING = frozenset(
    re.findall(
        r"\w+",
        "of all objects things items is are s the to out at it that this one object thing item would be there do you "
        "me a in other here",
    )
)
_IS_ASKED = re.compile(r"\b(?:is|are|does|do|was|would|will|can|could|has|have)\b")
_ASKS_WHAT = re.compile(r"\b(?:how|what|whichever|who)\b|\bwhich\b(?! (?:statement|is true|holds))")
_HOW = re.compile(
    r"^(?:and |so )?(?:how (?:far|tall|wide|high|deep|broad|close)|what is the (?:height|width|depth|distance))\b"
)
_FEWER = ("shorter", "narrower", "thinner", "closer", "close", "near")


def plan_of(read: Measured) -> Maker | None:
    """Return the plan for a question, None if the grammar does not read it."""
    if _NEGATED.search(_HANDLED.sub(" ", read.text)) or _UNREAD.search(read.text):
        return None
    has_multiple = bool(_marks(read, "K"))
    for reader in _READERS:
        if has_multiple and reader not in (_multiple, _ratio):
            continue
        made = reader(read)
        if made is not None:
            return made
    return None


def _things(read: Measured, text: str | None = None) -> list[str]:
    """Return the things of a text in order, those of lists too."""
    found: dict[str, None] = {}
    for mark in re.findall(rf"\b(?:{THING}|S[a-z])\b", read.text if text is None else text):
        found |= dict.fromkeys(read.marked.lists.get(mark, (mark,)))
    return list(found)


def _marks(read: Measured, first: str) -> list[str]:
    return re.findall(rf"\b{first}[a-z]{{1,2}}\b", read.text)


# Triangles.


def _triangle(read: Measured) -> Maker | None:
    text = read.text
    asked = re.search(r"\b(isosceles|equilateral|scalene)\b", text)
    if not asked and not re.search(r"\btriang(?:le|ular)", text):
        return None
    things = _things(read)
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


# Sums and differences of legs.


def _path(read: Measured) -> Maker | None:
    text = read.text
    things = _things(read)
    if re.search(r"\b(?:perimeter|circumference|round trip|all the way (?:a)?round)\b", text) and len(things) >= 3:
        return _summed([between(a, b) for a, b in zip(things, [*things[1:], things[0]], strict=True)])
    if re.search(r"\b(?:and back|round trip)\b", text) and len(things) == 2:
        return _compute("2 * {0}", between(things[0], things[1]))
    legs = [] if re.search(r"\b(?:which|nearest|farthest|who)\b", text) else _legs(read)
    if len(legs) < 2:
        return None
    total = Total(tuple(legs))
    if re.search(r"\b(?:detour|longer|farther|extra|additional|more)\b", text) and re.search(
        r"\b(?:detour|direct(?:ly)?|straight|shortcut|instead)\b", text
    ):
        first, last = legs[0].a, legs[-1].b
        return _compute("{0} - {1}", total, Between(first, last))
    limit = _limit(read)
    if limit:
        return _compute(f"{{0}} {limit[0]} {{1}}", total, limit[1])
    return _summed(legs)


def _legs(read: Measured) -> list[Between]:
    """Return the legs of a path: "from Ta to Tb and then to Tc", "from Ta via Tb to Tc"."""
    text = re.sub(
        rf"\bto (?P<t>{_END}),? (?:and )?(?:then |after that |next )?(?:on )?from (?P=t) (?:on )?to\b",
        r"to \g<t> to",
        read.plain,
    )
    via = r"(?:via|by way of|through|past|over)"
    text = re.sub(rf"\bfrom ({_END}) to ({_END}) {via} ({_END})\b(?! to)", r"from \1 to \3 to \2", text)
    then = r",? ?(?:and |then |and then |and on |on |onward |onwards |next |afterwards |finally |from there |back )*"
    stop = rf"(?:{then}(?:to|via|through|over|past|towards|visit|visiting|by way of) |, (?:and )?then |, )"
    rule = rf"\bfrom (?P<first>{_END})(?P<rest>(?:{stop}(?:{_END}|S[a-z])){{1,6}})"
    match = re.search(rule, text)
    if match is None:
        rule = rf"\bfrom (?P<first>{_END}) (?:to|via) (?P<rest>S[a-z])\b"
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
    for mark in re.findall(rf"{_END}|S[a-z]\b", match["rest"]):
        stops += read.marked.lists.get(mark, (mark,))
    via = re.search(
        rf"\b(?:via|by way of|passing(?: by)?|stopping (?:off )?at|touching|going through) (?P<via>{_END})", text
    )
    if len(stops) == 2 and via and via["via"] not in stops:
        stops.insert(1, via["via"])
    return [Between(end_of(a), end_of(b)) for a, b in pairwise(stops)]


def _stack(read: Measured) -> Maker | None:
    """Read "if Ta stood on Tb, how tall would they be", "Ta and Tb side by side, how wide"."""
    text, things = read.text, _things(read)
    marks = _marks(read, "M")
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
    if re.search(r"\bdifference\b", text) or _PASSES.search(
        text.replace("put", "").replace("placed", "").replace("stand", "")
    ):
        return None
    dimension: Dimension = "height" if stacked or (tall and not wide) else "width"
    limit = _limit(read)
    third = re.search(
        rf"\b(?:{_MORE}|{_LESS}|than|reach(?:es)? (?:the )?(?:top|height) of|as (?:tall|high|"
        rf"wide) as) (?P<t>{THING})\b",
        text,
    )
    parts = [one for one in things if not (third and one == third["t"])] if third else things
    if len(parts) < 2:
        return None
    total = Total(tuple(Extent(one, dimension) for one in parts))
    if limit:
        return _compute(f"{{0}} {limit[0]} {{1}}", total, limit[1])
    if third:
        sign = "<" if re.search(r"\b(?:shorter|lower|narrower|less)\b", text) else ">"
        if re.search(r"\bhow much\b", text):
            return _compute("{0} - {1}", total, Extent(third["t"], dimension))
        return _compute(f"{{0}} {sign} {{1}}", total, Extent(third["t"], dimension))
    return _compute("{0}", total)


def _against_both(match: re.Match[str]) -> Maker | None:
    """Compare one thing with two together: "is Ta wider than Tb and Tc together"."""
    if not re.fullmatch(_ADJECTIVES, match["w"]):
        return None
    dimension = dimension_of(match["w"])
    total = Total((Extent(match["y"], dimension), Extent(match["z"], dimension)))
    sign = "<" if match["w"].startswith(_FEWER) else ">"
    return _compute(f"{{0}} {sign} {{1}}", Extent(match["x"], dimension), total)


def _limit(read: Measured) -> tuple[str, Stated] | None:
    """Return the sign and the length of a limit that the question states: "more than La"."""
    for sign, words in (
        (">=", r"at least|no less than|not less than|a minimum of"),
        ("<=", r"at most|no more than|not more than|a maximum of|up to"),
        (">", _MORE),
        ("<", _LESS),
    ):
        match = re.search(rf"\b(?:{words}) (?:about |roughly )?(?P<l>L[a-z]{{1,2}})\b", read.text)
        if match:
            return sign, Stated(read.marked.lengths[match["l"]])
    return None


# Fits, passes and reaches.


def _fits(read: Measured) -> Maker | None:
    text = read.text
    if not _PASSES.search(text) or (_REACH.search(text) and "through" not in text):
        return None
    gaps = [mark for mark in _marks(read, "M") if _is_gap(read, mark)]
    pair = re.search(rf"\bbetween {_PAIR}\b", text)
    ends: set[str] = set()
    room: Length | None = None
    if gaps:
        room = read.measures[gaps[0]]
    elif pair:
        room = between(pair["a"], pair["b"], "gap")
    if isinstance(room, Between):
        ends, room = {room.a, room.b}, Between(room.a, room.b, "gap")
    lengths = _marks(read, "L")
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
        return _compute("{1} - {0}", need, room) if left else None
    expression = "not(fits({0}, {1}))" if _REFUSES.search(text) else "fits({0}, {1})"
    return _compute(expression, need, room)


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
    if len(lengths) == 1 and _things(read) and not re.search(r"\b(?:between|robot|cart|person|people)\b", read.text):
        return Stated(read.marked.lengths[lengths[0]]), []
    return None


def _need(read: Measured, lengths: list[str], ends: set[str]) -> Length | None:
    if lengths:
        return Stated(read.marked.lengths[lengths[0]])
    sizes = [read.measures[mark] for mark in _marks(read, "M") if isinstance(read.measures[mark], Extent | Total)]
    if sizes:
        return sizes[0]
    movers = [thing for thing in _things(read) if thing not in ends]
    if not movers:
        return None
    upright = re.search(r"\b(?:tall|high|under|height|upright)\b", read.text)
    dimension: Dimension = "height" if upright and "wide" not in read.text else "width"
    parts = tuple(Extent(one, dimension) for one in movers)
    return parts[0] if len(parts) == 1 else Total(parts)


def _reach(read: Measured) -> Maker | None:
    text = read.text
    lengths, things = _marks(read, "L"), _things(read)
    within = re.search(rf"\bwithin (?P<l>L[a-z]{{1,2}})(?: of (?P<o>{_END}))?", text)
    if not (_REACH.search(text) or within) or len(lengths) != 1 or not things:
        return None
    stated = Stated(read.marked.lengths[lengths[0]])
    marks = [mark for mark in _marks(read, "M") if isinstance(read.measures[mark], Between)]
    if marks:
        return _compute("reaches({0}, {1})", stated, read.measures[marks[0]])
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
        return _compute("reaches({0}, {1})", stated, expressions[0])
    joined = "any" if re.search(r"\b(?:or|either|any)\b", text) and "both" not in text else "all"
    inner = ", ".join(f"reaches({{0}}, {{{number}}})" for number in range(1, len(expressions) + 1))
    return _compute(f"{joined}({inner})", stated, *expressions)


def _base(read: Measured) -> str:
    """Return where the reach begins: "from Ta", "standing at Ta", or the camera."""
    place = (
        r"(?:standing|stands|stood|sitting|sits|seated|mounted|placed|parked|located|positioned|fixed|base|based|bolted|"
        r"attached|starting|rests|resting|installed|stationed)"
    )
    at = r"(?:at|on|ontop|next to|by|near|to|in front of|against|from|beside)"
    match = re.search(rf"\b{place}(?: right| directly| just)? {at} (?:the edge of )?(?P<t>{_END})\b", read.text)
    match = match or re.search(rf"\b(?:from|at|next to|by|starting at) (?P<t>{_END})\b", read.text)
    return end_of(match["t"]) if match else CAMERA


# Orders and choices.


_RANKS: dict[str, tuple[str, bool]] = {
    "left": ("side", False), "leftmost": ("side", False), "right": ("side", True), "rightmost": ("side", True),
    "nearest": ("distance", False), "near": ("distance", False), "front": ("distance", False),
    "farthest": ("distance", True), "far": ("distance", True), "back": ("distance", True),
    "shortest": ("height", False), "lowest": ("height", False), "tallest": ("height", True),
    "highest": ("height", True), "narrowest": ("width", False), "thinnest": ("width", False),
    "tall": ("height", True), "short": ("height", False), "high": ("height", True), "low": ("height", False),
    "wide": ("width", True), "narrow": ("width", False), "widest": ("width", True), "broadest": ("width", True),
}  # fmt: skip
_RANK = "|".join(sorted(_RANKS, key=lambda word: -len(word)))
_BY = {"distance": "distance", "far": "distance", "close": "distance", "near": "distance", "tall": "height"} | {
    "height": "height", "high": "height", "wide": "width", "width": "width",
}  # fmt: skip


def _ranking(text: str) -> tuple[str, bool] | None:
    """Return by what a question orders things, and whether the largest (the rightmost) comes first."""
    for pattern in (
        rf"\b(?P<w>{_RANK})(?: one)? to (?:the )?(?:{_RANK})\b",
        rf"\b(?:start|starting|starts|begin|beginning) (?:with|from|at|on) (?:the )?(?:one )?(?P<w>{_RANK})\b",
        rf"\b(?P<w>{_RANK})(?: one| object| thing| ones)?,? (?:coming |comes )?first\b",
        rf"\b(?P<w>{_RANK})(?: one)?,? (?:and )?then\b",
    ):
        if match := re.search(pattern, text):
            return _RANKS[match["w"]]
    by = re.search(
        rf"\bby (?:how|their|the|increasing|decreasing|descending|ascending|[, ])*\b(?P<w>{'|'.join(_BY)})\b", text
    )
    falling = re.search(r"\b(?:decreasing|descending|largest first|reverse|most first)\b", text)
    if by is None:
        by = re.search(
            rf"\bin (?:increasing|decreasing|descending|ascending) (?:order of )?(?P<w>{'|'.join(_BY)})\b", text
        )
    return (_BY[by["w"]], bool(falling)) if by else None


def _order(read: Measured) -> Maker | None:
    text, things = read.text, _things(read)
    ranking = _ranking(text)
    if ranking is None or len(things) < 2:
        return None
    axis, falling = ranking
    if axis == "side":
        relation: RelationName = "right of" if falling else "left of"
        return lambda work: _sequence(work, things, relation)
    function = "descending" if falling else "ordered"
    if axis in ("height", "width"):
        dimension: Dimension = "height" if axis == "height" else "width"
        return _compute_all(function, [Extent(one, dimension) for one in things])
    anchor = re.search(rf"\b(?:from|to|distance from|distance to|of) (?P<t>{THING})\b", text)
    if anchor and anchor["t"] in things and len(things) > 2:
        return _compute_all(function, [Between(anchor["t"], one) for one in things if one != anchor["t"]])
    return _compute_all(function, [Between(CAMERA, one) for one in things])


def _sequence(work: Work, things: Sequence[str], relation: RelationName) -> Plan:
    names = []
    for mark in things:
        names.append((yield from work.thing(mark)))
    ordered: list[str] = []
    results = []
    for name in names:
        place = 0
        for other in ordered:
            result = yield from work.call("relation", a=other, relation=relation, b=name)
            results.append(result)
            place += 1
        ordered.insert(place, name)
    return (yield from work.compute(f"sequence({', '.join(results)})"))


def _choice(read: Measured) -> Maker | None:
    """Read "which of Sa is nearest to Tb", "what is the tallest: Sa"."""
    text = read.text
    if _ORDER.search(text) or re.match(rf"(?:is|are) {THING} (?:really )?the\b", text):
        return None
    marks = re.findall(r"\bS[a-z]\b", text)
    choices: tuple[str, ...] = read.marked.lists[marks[0]] if marks else ()
    if not choices:
        pair = re.search(rf"\b(?:of|between|out of|among|compare|comparing) (?P<a>{THING}) and (?P<b>{THING})\b", text)
        if pair is None or not re.search(r"\b(?:which|what|who)\b", text):
            return None
        choices = (pair["a"], pair["b"])
    rest = text.replace(marks[0], " ") if marks else text
    word = re.search(
        r"\b(nearest|closer|close|farthest|farther|tallest|taller|highest|higher|shortest|shorter|lowest|lower|widest|wider|broadest|"
        r"narrowest|narrower|thinnest|thinner|leftmost|rightmost|left|right|least far|most far|biggest|"
        r"largest|bigger|larger|"
        r"smallest|smaller|least tall|greatest height|smallest distance|shortest distance)\b",
        rest,
    )
    if word is None or len(choices) < 2:
        return None
    found = word[1]
    anchors = [mark for mark in re.findall(rf"\b(?:{THING}|CAM)\b", rest) if mark not in choices]
    if not anchors and len(choices) > 2 and re.search(rf"\b(?:to|from) {marks[0]}", text):
        anchors, choices = [choices[0]], choices[1:]
    if found in ("nearest", "closer", "close", "farthest", "farther", "shortest distance", "smallest distance") or (
        anchors and found in ("shortest", "smallest") and "distance" in rest
    ):
        side = re.search(r"\b(?:farthest|farther|far) (?:to|on) the (left|right)\b", rest)
        if side:
            return lambda work: _outermost(work, choices, "left of" if side[1] == "left" else "right of")
        anchor = end_of(anchors[0]) if anchors else CAMERA
        found = "farthest" if re.search(r"\bleast (?:close|near)\b", rest) else found
        function = "largest" if found.startswith("far") else "smallest"
        function = {"largest": "max", "smallest": "min"}[function] if _HOW.search(text) else function
        return _compute_all(function, [Between(anchor, one) for one in choices])
    if found in ("leftmost", "rightmost", "left", "right"):
        relation: RelationName = "left of" if found.startswith("left") else "right of"
        return lambda work: _outermost(work, choices, relation)
    if found in ("biggest", "largest", "bigger", "larger", "smallest", "smaller"):
        bigger: RelationName = "smaller than" if found.startswith("small") else "bigger than"
        return lambda work: _outermost(work, choices, bigger)
    if found in ("highest", "higher", "lowest", "lower") and not re.search(r"\b(?:tall|height)\b", rest):
        above: RelationName = "below" if found.startswith("low") else "above"
        return lambda work: _outermost(work, choices, above)
    dimension: Dimension = "width" if found.startswith(("wid", "broad", "narrow", "thin")) else "height"
    largest = not found.startswith(("short", "low", "narrow", "thin", "least"))
    function = ("max" if largest else "min") if _HOW.search(text) else ("largest" if largest else "smallest")
    return _compute_all(function, [Extent(one, dimension) for one in choices])


def _outermost(work: Work, things: Sequence[str], relation: RelationName) -> Plan:
    """Find the thing that stands in a relation to all others."""
    names = []
    for mark in things:
        names.append((yield from work.thing(mark)))
    return (yield from work.outermost(names, relation))


# Comparisons of two lengths.


def _two_lengths(read: Measured) -> tuple[Length, Length, str] | None:
    """Return the two lengths that a question compares and the word that compares them."""
    text = read.text
    marks = _marks(read, "M")
    if len(marks) >= 2:
        word = re.search(
            rf"\b({_MORE}|{_LESS}|longer|shorter|larger|smaller|bigger|wider|narrower|taller|greater|less|more|exceeds?|than)\b",
            text,
        )
        return read.measures[marks[0]], read.measures[marks[1]], word[1] if word else ""
    if len(marks) == 1 and isinstance(one := read.measures[marks[0]], Extent):
        free = [mark for mark in re.findall(rf"\b{THING}\b", text) if mark != one.of]
        if len(free) == 1 and re.search(r"\btimes\b|\bK[a-z]\b", text):
            return Extent(free[0], one.dimension), one, "times"
    far = _two_distances(text)
    if far is not None:
        return far
    size = re.search(rf"\b(?P<w>{_ADJECTIVES})\b", text)
    if size is None:
        return None
    things = re.findall(rf"\b{THING}\b", text)
    if len(things) != 2 or not re.search(r"\b(?:than|as|and|compared)\b", text):
        return None
    dimension = dimension_of(size["w"] if size["w"] != "narrow" else "narrower")
    return Extent(things[0], dimension), Extent(things[1], dimension), size["w"]


def _two_distances(text: str) -> tuple[Length, Length, str] | None:
    word = re.search(r"\b(farther|closer|far|close|near|nearest|distant|nearer|away)\b", text)
    if word is None:
        return None
    far = re.sub(r"\b(?:away|apart|off|the same|it|or|whether) ?", "", text)
    to = r"(?:from|to)"
    end = _END
    as_far = r"(?: ?(?:than|as))"
    forms = (
        # "is Ta farther from Tb than from Tc", "is Ta closer to Tb than to Tc"
        (rf"(?P<x>{end}) .*?{to} (?P<a>{end}){as_far} (?:is )?{to} (?P<b>{end})", ("x", "a", "x", "b")),
        # "is Ta farther from Tb than Tc is from Td", "than Tc from Td"
        (
            rf"(?P<x>{end}) .*?{to} (?P<a>{end}){as_far} (?P<y>{end})(?: is| are)?(?: far| close)? {to} (?P<b>{end})",
            ("x", "a", "y", "b"),
        ),
        # "is Ta farther from Tb than Tc", "how much farther from Tb is Ta than Tc"
        (rf"(?P<x>{end}) (?!is )(?:(?!{end}).)*?{to} (?P<a>{end}){as_far} (?P<y>{end})", ("x", "a", "y", "a")),
        (
            rf"{to} (?P<a>{end}) (?:is|are|does|lies|stands|would) (?P<x>{end}).*?{as_far} (?P<y>{end})",
            ("x", "a", "y", "a"),
        ),
        (
            rf"(?:farther|closer|far|close) (?:is |does |lies )?(?P<x>{end})(?: lie| stand|"
            rf" be)? (?:{to}) (?P<a>{end}){as_far} (?P<y>{end})",
            ("x", "a", "y", "a"),
        ),
        (rf"{to} (?P<a>{end}),? (?:is )?(?P<x>{end}) .*?{as_far} (?P<y>{end})", ("x", "a", "y", "a")),
        # "to the camera, how much closer is Ta than Tb"
        (rf"(?P<x>{end}) (?:or|and) (?P<y>{end}) .*?{to} (?P<a>{end})", ("x", "a", "y", "a")),
    )
    for pattern, (x, a, y, b) in forms:
        match = re.search(pattern, far)
        if match and len({match[x], match[a]}) == 2 and len({match[y], match[b]}) == 2:
            return between(match[x], match[a]), between(match[y], match[b]), word[1]
    camera = re.search(rf"(?P<x>{THING}) .*?{as_far} (?P<y>{THING})", far)
    if camera and "CAM" not in far and word[1] in ("farther", "closer") and not re.search(rf"{to} {THING}", far):
        return Between(CAMERA, camera["x"]), Between(CAMERA, camera["y"]), word[1]
    return None


def _ratio(read: Measured) -> Maker | None:
    text = read.text
    asked = re.search(
        r"\bhow many times|\bratio\b|\bby (?:what|which) factor\b|\bhow often does\b|\bwhat multiple\b|"
        r"\bdivided by\b|\bwhat fraction\b",
        text,
    )
    pair = _two_lengths(read) if asked else None
    if pair is None:
        return None
    first, second, word = pair
    if re.search(r"\bgoe?s? into\b|\bfit into\b|\bcontained in\b|\btimes M[a-z] is M[a-z]\b", text):
        first, second = second, first
    return _compute("{1} / {0}" if word in _FEWER else "{0} / {1}", first, second)


def _multiple(read: Measured) -> Maker | None:
    """Read "is Ta more than twice as far from Tb as Tc": a comparison with a multiple."""
    multiples = _marks(read, "K")
    pair = _two_lengths(read) if len(multiples) == 1 and not re.search(r"\bhow\b", read.text) else None
    if pair is None:
        return None
    text, times = read.text, read.marked.multiples[multiples[0]]
    less = re.search(r"\b(?:less than|at most|no more than|not more than|under|below|up to|within)\b", text)
    strict = re.search(r"\b(?:more than|less than|over|under|exceeds?|above|below|greater than)\b", text)
    sign = ("<" if less else ">") + ("" if strict else "=")
    return _compute(f"{{0}} {sign} {times:.6g} * {{1}}", pair[0], pair[1])


def _difference(read: Measured) -> Maker | None:
    text = read.text
    asked = re.search(
        r"\bhow much\b|\bby how (?:much|far|many)\b|\bdifference\b|\bhow many (?:meters|centimeters|cm|feet|"
        r"inches)\b|\bwhat is\b.*\bminus\b|\bminus\b|\bsubtract",
        text,
    )
    if not asked:
        return None
    pair = _two_lengths(read)
    if pair is None:
        both = re.search(r"\bdifference\b.*\b(?P<w>height|width|depth|distance)s?\b", text) or re.search(
            r"\b(?P<w>heights?|widths?|depths?)\b.*\bdiffer", text
        )
        things = re.findall(rf"\b{THING}\b", text)
        if not both or len(things) != 2 or both["w"].startswith("distance"):
            return None
        dimension = dimension_of(both["w"])
        pair = (Extent(things[0], dimension), Extent(things[1], dimension), "")
    first, second, word = pair
    if re.search(r"\bdifference\b|\bdiffer\b|\bapart\b", text) or not word:
        return _compute("abs({0} - {1})", first, second)
    smaller = word.startswith(_FEWER) or word in ("less", "smaller", "less than", "smaller than")
    return _compute("{1} - {0}" if smaller else "{0} - {1}", first, second)


def _sum(read: Measured) -> Maker | None:
    text = read.text
    marks = _marks(read, "M")
    if not re.search(r"\b(?:sum|total|altogether|together|combined|add|added|adding|plus|in all)\b", text):
        return None
    if marks and (len(marks) >= 2 or isinstance(read.measures[marks[0]], Total)):
        limit, total = _limit(read), Total(tuple(read.measures[mark] for mark in marks))
        one = read.measures[marks[0]] if len(marks) == 1 else total
        return _compute(f"{{0}} {limit[0]} {{1}}", one, limit[1]) if limit else _compute("{0}", one)
    things = _things(read)
    both = re.search(r"\b(heights?|widths?|depths?|tall|wide|high)\b", text)
    if both and len(things) >= 2:
        return _compute("{0}", Total(tuple(Extent(one, dimension_of(both[1])) for one in things)))
    if len(things) == 3 and re.search(r"\b(?:all|three|pairwise|each other)\b.*\b(?:distances|sides)\b", text):
        return _summed([between(a, b) for a, b in zip(things, [*things[1:], things[0]], strict=True)])
    return None


def _comparison(read: Measured) -> Maker | None:
    limit = _limit(read)
    single = _single(read)
    if limit is not None and single is not None and not re.search(r"\bminus\b", read.text):
        return _compute(f"{{0}} {limit[0]} {{1}}", single, limit[1])
    alike = re.search(r"\b(?:same|equal|equally) (?P<w>tall|high|wide|deep|height|width|depth)\b", read.text)
    things = re.findall(rf"\b{THING}\b", read.text)
    if alike and len(things) == 2:
        return _compute("same({0}, {1})", *(Extent(one, dimension_of(alike["w"])) for one in things))
    pair = _two_lengths(read)
    if pair is not None and limit is not None and re.search(r"\bminus\b", read.text):
        return _compute(f"{{0}} - {{1}} {limit[0]} {{2}}", pair[0], pair[1], limit[1])
    if pair is None or not _IS_ASKED.search(read.text) or _ASKS_WHAT.search(read.text):
        return None
    first, second, word = pair
    if re.search(r"\b(?:same|equal|equally)\b", read.text) or re.search(
        r"\bas (?:tall|far|wide|high|close|deep) ", read.text
    ):
        return _compute("same({0}, {1})", first, second)
    less = word.startswith(_FEWER) or re.fullmatch(_LESS, word) or word in ("less", "smaller")
    return _compute("{0} < {1}" if less else "{0} > {1}", first, second)


def _single(read: Measured) -> Length | None:
    """Return the one length that a question is about."""
    text = read.text
    marks = _marks(read, "M")
    if marks:
        return read.measures[marks[0]]
    pair = re.search(rf"\b(?P<a>{_END}) (?:and|from|to) (?P<b>{_END})\b", text) or re.search(
        rf"\b(?P<a>{_END})\b[^,;.]*? (?:from|of|to|reach) (?P<b>{_END})\b", text
    )
    if pair and re.search(
        r"\b(?:between|far|apart|away|distance|distant|close|closer|farther|within|separates?|reach|from|metres|meters)\b",
        text,
    ):
        return between(pair["a"], pair["b"])
    size = re.search(
        r"\b(tall|high|taller|height|shorter|wide|wider|width|narrower|broad|across|deep|deeper|depth)\b", text
    )
    things = re.findall(rf"\b{THING}\b", text)
    if size and len(things) == 1:
        return Extent(things[0], dimension_of(size[1]))
    if len(things) == 1 and re.search(r"\b(?:far|away|distance|distant|CAM)\b", text):
        return Between(CAMERA, things[0])
    if len(set(things)) == 2 and re.search(r"\b(?:far|apart|away|distance)\b", text):
        return between(things[0], things[1])
    return None


def _number(read: Measured) -> Maker | None:
    """Read a question about one length of things that may be chains."""
    if not re.search(r"\b(?:how|what|give|estimate|tell|measure)\b", read.text):
        return None
    single = _single(read)
    return _compute("{0}", single) if single is not None else None


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


# Plans that several kinds share.


def _compute(template: str, *lengths: Length) -> Maker:
    def plan(work: Work) -> Plan:
        made = []
        for one in lengths:
            made.append((yield from work.length(one)))
        expression = template.format(*made)
        return made[0] if re.fullmatch(r"r\d+", expression) else (yield from work.compute(expression))

    return plan


def _compute_all(function: str, lengths: Sequence[Length]) -> Maker:
    marks = ", ".join(f"{{{number}}}" for number in range(len(lengths)))
    return _compute(f"{function}({marks})", *lengths)


def _summed(legs: Sequence[Between]) -> Maker:
    return _compute("{0}", Total(tuple(legs)))


_READERS = (
    _triangle, _order, _ratio, _multiple, _path, _reach, _stack, _fits, _choice, _difference, _sum, _comparison,
    _relation, _which, _number,
)  # fmt: skip
