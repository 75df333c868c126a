"""Questions that put things in order, or choose one of them."""

import re
from collections.abc import Sequence

from vlm.reason.offline.chains import THING
from vlm.reason.offline.measures import Measured, end_of
from vlm.reason.offline.nodes import Between, Extent
from vlm.reason.offline.shared import Maker, compute_all, things_of
from vlm.reason.offline.work import Plan, Work
from vlm.reason.tools import CAMERA, Dimension, RelationName

_ORDER = re.compile(r"\b(?:order|orders|ordered|sort|sorted|arranged?|rank|ranked|ranking|sequence|line[- ]up|list)\b")
_HOW = re.compile(
    r"^(?:and |so )?(?:how (?:far|tall|wide|high|deep|broad|close)|what is the (?:height|width|depth|distance))\b"
)
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


def order(read: Measured) -> Maker | None:
    """Read in which order things are, from one side to the other or by a length."""
    text, things = read.text, things_of(read)
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
        return compute_all(function, [Extent(one, dimension) for one in things])
    anchor = re.search(rf"\b(?:from|to|distance from|distance to|of) (?P<t>{THING})\b", text)
    if anchor and anchor["t"] in things and len(things) > 2:
        return compute_all(function, [Between(anchor["t"], one) for one in things if one != anchor["t"]])
    return compute_all(function, [Between(CAMERA, one) for one in things])


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


def choice(read: Measured) -> Maker | None:
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
        return compute_all(function, [Between(anchor, one) for one in choices])
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
    return compute_all(function, [Extent(one, dimension) for one in choices])


def _outermost(work: Work, things: Sequence[str], relation: RelationName) -> Plan:
    """Find the thing that stands in a relation to all others."""
    names = []
    for mark in things:
        names.append((yield from work.thing(mark)))
    return (yield from work.outermost(names, relation))
