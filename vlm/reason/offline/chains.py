"""Reads things that are named by their relations: "the object nearest to the object left of Ta" becomes one mark."""

import re
from collections.abc import Callable

from vlm.reason.offline.marking import Marked, simplify
from vlm.reason.offline.nodes import Extreme, Node, Outermost, Related
from vlm.reason.tools import RelationName

THING = r"T[a-z]{1,2}"
_SIDE = r"(?:(?:(?:on|to|at) )?the |to |on )?"
RELATION_WORDS: tuple[tuple[str, RelationName], ...] = (
    (rf"{_SIDE}(?:left(?:[- ]hand)?(?: side)?) of|left to", "left of"),
    (rf"{_SIDE}(?:right(?:[- ]hand)?(?: side)?) of|right to", "right of"),
    (r"in front of|before", "in front of"),
    (r"(?:in back of|behind)", "behind"),
    (r"above|over|higher(?: up)? than", "above"),
    (r"below|under|lower(?: down)? than", "below"),
    (r"next to", "next to"),
    (r"closer (?:to CAM )?than|closer to CAM than", "closer than"),
    (r"farther (?:away )?(?:from CAM )?than", "farther than"),
    (r"taller than", "taller than"),
    (r"shorter than", "shorter than"),
    (r"wider than|broader than", "wider than"),
    (r"narrower than|thinner than|slimmer than", "narrower than"),
    (r"bigger than|larger than", "bigger than"),
    (r"smaller than", "smaller than"),
)
_OBJECT = (
    r"(?:the |whichever |whatever |any |that |a )?(?:single |only |other |particular )?"
    r"(?:object|thing|item|piece of furniture|furniture|one|piece)"
)
_IS = (
    r"(?: (?:that|which))?(?:'s| is| lies| stands| sits| appears| comes| can be seen| happens to be)?"
    r"(?: located| positioned| placed| sitting| standing| lying| found| seen)?"
)
_NEXT = r"(?:directly|immediately|just|right|nearest|first|next)"
_TO = r"(?: to| from| of| by)?"


Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], Node]]


def with_chains(made: Marked) -> Marked:
    """Replace every thing that is named by a relation by a mark, the innermost first, and what stands for it too."""
    _reduce(made)
    if introduced := _INTRODUCED.match(made.text):
        rest = re.sub(r"\b(?:it|that one|that object|that thing|that)\b(?!')", introduced["t"], introduced["rest"])
        made.text = re.sub(rf"\bits (?={_OWN_END} {_OWNED})", f"{introduced['t']}'s ", rest).strip()
        _reduce(made)
    simplify(made)
    return made


def _reduce(made: Marked) -> None:
    rules = [(re.compile(pattern), make) for pattern, make in _RULES]
    for _ in range(12):
        found = [(match, make) for rule, make in rules for match in rule.finditer(made.text)]
        if made.lists:
            # "Which of Sa is nearest to Ta" chooses from the list and names no other thing.
            found = [one for one in found if not _CHOOSES.search(made.text[: one[0].start()])]
        if not found:
            break
        # English nests to the right: what stands last holds no other relation.
        match, make = max(found, key=lambda one: (one[0].start("anchor"), one[0].end() - one[0].start()))
        mark = made.thing(make(match))
        made.text = f"{made.text[: match.start()]}{mark}{made.text[match.end() :]}"


def _extreme(match: re.Match[str]) -> Extreme:
    anchor = match["anchor"]
    return Extreme(None if anchor == "CAM" else anchor, match["end"] == "farthest")


def _related(match: re.Match[str]) -> Related:
    said: str = match["relation"]
    relation: RelationName = next(name for words, name in RELATION_WORDS if re.fullmatch(words, said))
    return Related(relation=relation, anchor=match["anchor"], nearest=match["next"] is not None)


_OUTERMOST: dict[str, RelationName] = {
    "tallest": "taller than", "shortest": "shorter than", "widest": "wider than", "broadest": "wider than",
    "narrowest": "narrower than", "thinnest": "narrower than", "biggest": "bigger than", "largest": "bigger than",
    "smallest": "smaller than", "leftmost": "left of", "rightmost": "right of", "highest": "above", "lowest": "below",
    "topmost": "above",
}  # fmt: skip


def _outermost(match: re.Match[str]) -> Outermost:
    return Outermost(_OUTERMOST[match["anchor"]])


_RELATION = "|".join(f"(?:{words})" for words, _ in RELATION_WORDS)
_ANCHOR = rf"(?P<anchor>{THING}|CAM)(?!')"
_CHOOSES = re.compile(
    r"\b(?:which|what|who|pick|choose|select|name|find|tell)(?: (?:of|from|out of|among|"
    r"between) S[a-z],?)? $|\b(?:is|was) it $"
)
_OWN_END = r"(?:nearest|farthest)"
_INTRODUCED = re.compile(
    r"^(?:so,? )?(?:(?:first,? )?(?:take|find|consider|pick|choose|locate|identify|imagine|look at|look for|"
    r"given|start with|"
    rf"there is(?: (?:only|just))?|regarding|for)? ?(?:one )?)(?P<t>{THING})(?:[.;:]|, then|, and)(?P<rest> .*)$"
)
_OWNED = r"(?:neighbor|object|thing|item)"
_RULES = (
    (
        rf"\b{_OBJECT}{_IS} (?:the )?(?:very )?(?P<end>nearest|farthest)(?: (?:thing|object|item|"
        rf"one))?(?: away)?{_TO} {_ANCHOR}\b",
        _extreme,
    ),
    (
        rf"\b(?:the )?(?P<end>nearest|farthest) (?:other )?(?:object|thing|item|one|"
        rf"neighbor){_IS}(?: away)?{_TO} {_ANCHOR}\b",
        _extreme,
    ),
    (
        rf"\b(?:(?<=what )|(?<=which )|(?<=who ))(?:is|stands|lies|sits|comes|would be)(?: located|"
        rf" positioned)? (?:the )?(?:very )?(?P<end>nearest|farthest)"
        rf"(?: (?:thing|object|item|one))?(?: away)?{_TO} {_ANCHOR}\b",
        _extreme,
    ),
    (rf"\bwhatever{_IS} (?P<end>nearest|farthest)(?: away)?{_TO} {_ANCHOR}\b", _extreme),
    (rf"\b(?P<anchor>{THING})'s (?P<end>nearest|farthest) {_OWNED}\b", _extreme),
    (
        rf"\b(?:{_OBJECT}|whatever){_IS}(?: (?P<next>{_NEXT}))? (?P<relation>{_RELATION}) (?P<anchor>{THING})(?!')\b",
        _related,
    ),
    (
        rf"\b(?:the )?(?P<next>{_NEXT}) (?:object|thing|item|one) (?P<relation>{_RELATION}) (?P<anchor>{THING})(?!')\b",
        _related,
    ),
    (
        rf"\b(?:the )?(?P<anchor>{'|'.join(_OUTERMOST)}) (?:object|thing|item|piece of furniture)\b"
        r"(?! (?:of|among|out of)\b|,? S[a-z]\b)",
        _outermost,
    ),
    (
        rf"\b{_OBJECT}{_IS} (?:the )?(?:farthest to the |farthest )?(?P<anchor>{'|'.join(_OUTERMOST)})\b"
        r"(?! (?:of|among|out of|object|thing|one)\b)",
        _outermost,
    ),
)
