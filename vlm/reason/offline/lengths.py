"""Questions about one length, or about two that are compared, subtracted, divided or added."""

import re

from vlm.reason.offline.chains import THING
from vlm.reason.offline.measures import Measured, between, dimension_of
from vlm.reason.offline.nodes import Between, Extent, Length, Total
from vlm.reason.offline.shared import (
    ADJECTIVES,
    END,
    FEWER,
    LESS,
    MORE,
    Maker,
    compute,
    limit_of,
    marks_of,
    summed,
    things_of,
)
from vlm.reason.tools import CAMERA

_IS_ASKED = re.compile(r"\b(?:is|are|does|do|was|would|will|can|could|has|have)\b")
_ASKS_WHAT = re.compile(r"\b(?:how|what|whichever|who)\b|\bwhich\b(?! (?:statement|is true|holds))")


def _two_lengths(read: Measured) -> tuple[Length, Length, str] | None:
    """Return the two lengths that a question compares and the word that compares them."""
    text = read.text
    marks = marks_of(read, "M")
    if len(marks) >= 2:
        word = re.search(
            rf"\b({MORE}|{LESS}|longer|shorter|larger|smaller|bigger|wider|narrower|taller|greater|less|more|exceeds?|than)\b",
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
    size = re.search(rf"\b(?P<w>{ADJECTIVES})\b", text)
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
    end = END
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


def ratio(read: Measured) -> Maker | None:
    """Read how many times as long one length is as another."""
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
    return compute("{1} / {0}" if word in FEWER else "{0} / {1}", first, second)


def multiple(read: Measured) -> Maker | None:
    """Read "is Ta more than twice as far from Tb as Tc": a comparison with a multiple."""
    multiples = marks_of(read, "K")
    pair = _two_lengths(read) if len(multiples) == 1 and not re.search(r"\bhow\b", read.text) else None
    if pair is None:
        return None
    text, times = read.text, read.marked.multiples[multiples[0]]
    less = re.search(r"\b(?:less than|at most|no more than|not more than|under|below|up to|within)\b", text)
    strict = re.search(r"\b(?:more than|less than|over|under|exceeds?|above|below|greater than)\b", text)
    sign = ("<" if less else ">") + ("" if strict else "=")
    return compute(f"{{0}} {sign} {times:.6g} * {{1}}", pair[0], pair[1])


def difference(read: Measured) -> Maker | None:
    """Read by how much two lengths differ."""
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
        return compute("abs({0} - {1})", first, second)
    smaller = word.startswith(FEWER) or word in ("less", "smaller", "less than", "smaller than")
    return compute("{1} - {0}" if smaller else "{0} - {1}", first, second)


def added(read: Measured) -> Maker | None:
    """Read the sum of several lengths."""
    text = read.text
    marks = marks_of(read, "M")
    if not re.search(r"\b(?:sum|total|altogether|together|combined|add|added|adding|plus|in all)\b", text):
        return None
    if marks and (len(marks) >= 2 or isinstance(read.measures[marks[0]], Total)):
        limit, total = limit_of(read), Total(tuple(read.measures[mark] for mark in marks))
        one = read.measures[marks[0]] if len(marks) == 1 else total
        return compute(f"{{0}} {limit[0]} {{1}}", one, limit[1]) if limit else compute("{0}", one)
    things = things_of(read)
    both = re.search(r"\b(heights?|widths?|depths?|tall|wide|high)\b", text)
    if both and len(things) >= 2:
        return compute("{0}", Total(tuple(Extent(one, dimension_of(both[1])) for one in things)))
    if len(things) == 3 and re.search(r"\b(?:all|three|pairwise|each other)\b.*\b(?:distances|sides)\b", text):
        return summed([between(a, b) for a, b in zip(things, [*things[1:], things[0]], strict=True)])
    return None


def comparison(read: Measured) -> Maker | None:
    """Read whether one length is larger than another, or than a stated one."""
    limit = limit_of(read)
    single = _single(read)
    if limit is not None and single is not None and not re.search(r"\bminus\b", read.text):
        return compute(f"{{0}} {limit[0]} {{1}}", single, limit[1])
    alike = re.search(r"\b(?:same|equal|equally) (?P<w>tall|high|wide|deep|height|width|depth)\b", read.text)
    things = re.findall(rf"\b{THING}\b", read.text)
    if alike and len(things) == 2:
        return compute("same({0}, {1})", *(Extent(one, dimension_of(alike["w"])) for one in things))
    pair = _two_lengths(read)
    if pair is not None and limit is not None and re.search(r"\bminus\b", read.text):
        return compute(f"{{0}} - {{1}} {limit[0]} {{2}}", pair[0], pair[1], limit[1])
    if pair is None or not _IS_ASKED.search(read.text) or _ASKS_WHAT.search(read.text):
        return None
    first, second, word = pair
    if re.search(r"\b(?:same|equal|equally)\b", read.text) or re.search(
        r"\bas (?:tall|far|wide|high|close|deep) ", read.text
    ):
        return compute("same({0}, {1})", first, second)
    less = word.startswith(FEWER) or re.fullmatch(LESS, word) or word in ("less", "smaller")
    return compute("{0} < {1}" if less else "{0} > {1}", first, second)


def _single(read: Measured) -> Length | None:
    """Return the one length that a question is about."""
    text = read.text
    marks = marks_of(read, "M")
    if marks:
        return read.measures[marks[0]]
    pair = re.search(rf"\b(?P<a>{END}) (?:and|from|to) (?P<b>{END})\b", text) or re.search(
        rf"\b(?P<a>{END})\b[^,;.]*? (?:from|of|to|reach) (?P<b>{END})\b", text
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
    unread = re.search(r"\bfrom (?:the|an?|it|its|this|that|whatever|what|each|any|some)\b", text)
    if len(things) == 1 and not unread and re.search(r"\b(?:far|away|distance|distant|CAM)\b", text):
        return Between(CAMERA, things[0])
    if len(set(things)) == 2 and re.search(r"\b(?:far|apart|away|distance)\b", text):
        return between(things[0], things[1])
    return None


def number(read: Measured) -> Maker | None:
    """Read a question about one length of things that may be chains."""
    if not re.search(r"\b(?:how|what|give|estimate|tell|measure)\b", read.text):
        return None
    single = _single(read)
    return compute("{0}", single) if single is not None else None
