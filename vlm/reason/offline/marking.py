"""Replaces what a question names and states by marks: Ta, Tb for things, La for lengths, Ka for multiples.

The marked text is in lower case, with one spelling for words that mean the same ("further" is "farther", "closest" is
"nearest"), and CAM for the place that the image was taken from. The grammar then reads few words.
"""

import re
import string
from dataclasses import dataclass, field

from udfs.language.quantity_parser import quantities
from udfs.language.vocabulary import vocabulary
from udfs.language.words import MISSPELLED
from vlm.reason.names import Names
from vlm.reason.offline.nodes import Mentioned, Node

_LETTERS = string.ascii_lowercase
# Before a thing that the speaker means, other than "a".
_ARTICLE = rf"(?:{'|'.join(sorted(vocabulary().articles - {'a', 'an'}))})"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that never belong to the name of a thing in the image.
_RESERVED = _words(
    """
    object objects thing things item items gap left right top bottom center middle point side camera viewer
    image space room way one ones distance height width
    """
)
_STOPS = _words(
    """
    to from of and or than between is are was were be does do did has have can could will would should may might
    must fit fits pass passes through in on onto under below beneath above over behind beside by near at with
    for if that which who what when where how as so then via past along around about not stand stands sit sits
    lie lies apart away closer nearer nearest closest farther further taller shorter wider narrower bigger
    smaller higher lower longer more less exceed exceeds exceeding together side put placed stacked reach
    reaches make makes form forms come comes get gets go goes allow allows admit admits permit permits separates
    separating isosceles equilateral scalene least look looks need needs still each both all too big large wide tall
    narrow but it they
    """
)
_GENERIC = _RESERVED | _words(
    """
    robot person photo picture photograph photographer observer floor ground total sum difference order triangle
    size length depth path line reach arm sides ends end following list answer scene area opening passage
    clearance separation ratio smaller larger bigger longer shorter same other others first second third last
    latter former two three four nearest farthest closest tallest shortest widest narrowest largest smallest
    biggest highest lowest centers center-to-center heights widths distances gaps horizontal vertical combined
    legs corners vertices straight direct perimeter position viewpoint left-hand right-hand doorway door
    corridor trip walk tour route arrangement shape kind type detour sequence statement row stack vehicle cart
    trolley machine wheelchair base gripper isosceles equilateral scalene resulting three objects' rest route's
    rope string cable width's cord positions places locations shoulders answer question situation tape measure
    number middle vehicle's robot's camera's
    """
)
_SPELLINGS = (
    (r"[’‘`]", "'"), (r"-to-", " to "), (r"[“”\"]", ""), (r"\bcentre", "center"), (r"\bcentred\b", "centered"),
    (r"\bnext[- ]to[- ]each[- ]other\b", "side by side"),
    (rf"\b({'|'.join(MISSPELLED)})\b", lambda match: MISSPELLED[match[1]]),
    (r"\b(what|how|which|who|where|that|it)s\b", r"\1 is"),
    (
        r"\bhow many (inches|feet|cm|centimeters|centimetres|meters|metres|mm)"
        r"(?: (?:is|are))?(?: there)? (?=between\b)", "how far is it ",
    ),
)  # fmt: skip
_CANONICAL = (
    (r"\bfurther\b", "farther"), (r"\bfurthest\b", "farthest"), (r"\bmost (?:distant|remote)\b", "farthest"),
    (r"\bclosest\b", "nearest"), (r"\bnearer\b", "closer"), (r"\bnearby\b", "near"),
    (r"\bmiddles?\b", "center"), (r"\bcenter ?points?\b|\bmidpoints?\b", "center"),
    (r"\b(?:the )?(?:camera|viewer|observer|photographer|viewpoint|lens)(?:'s)?(?: position| location)?\b", "CAM"),
    (r"\bwhere (?:i|we|you) (?:am|are|stand|stood|took)(?: standing)?(?: the (?:photo|picture|image))?\b", "CAM"),
    (r"\bwhere the (?:photo|picture|image) was taken(?: from)?\b", "CAM"),
    (r"\bfrom here\b", "from CAM"), (r"\bto (?:me|us|you)\b", "to CAM"), (r"\bfrom (?:me|us|you)\b", "from CAM"),
    (r"\bthan it is (?=to|from)", "than "), (r"\bthan (?:it is )?that (?=to|from|between)", "than the distance "),
    (r"\b(?:greatest|largest|longest|biggest) distance (?=from|to)", "farthest distance "),
    (r"\b(?:smallest|least|minimum) distance (?=from|to)", "nearest distance "),
    (r"\b(?:reach|meet|get to|come to|arrive at|find|encounter|touch) first\b", "have nearest"),
    (r"\bleast far\b", "nearest"), (r"\bleast (?:close|near)\b", "farthest"),
    (r"\bthat between\b", "the distance between"),
    (r"\bleft from\b", "left of"), (r"\bright from\b", "right of"),
    (r"\bmore (tall|wide|high|deep)\b", r"\1er"), (r"\bless far\b", "closer"), (r"\bless tall\b", "shorter"),
    (r"\bless wide\b", "narrower"),
    (r"\bmore far\b", "farther"),
    (r" (?:visible |shown |seen )?in (?:the|this) (?:image|picture|photo|photograph|scene|room)\b", ""),
    (r"(?<=\w) [-–—] ", ": "), (r"\bor (?:neither|none)(?: of (?:them|these|both))?\b", "or other"),
    (r"\bwould you say(?: that)?\b", "is it so that"), (r"\bin order of\b", "by"),
    (r"\bright next to\b", "next to"), (r"\bbesides?\b", "next to"), (r"\badjacent to\b", "next to"),
    (r"\bunderneath\b|\bbeneath\b", "below"), (r"\bon top of\b", "ontop"), (r"\bin between\b", "between"),
    (r"\bgreater\b|\blarger\b", "larger"), (r"\bisn't\b", "is not"), (r"\bdoesn't\b", "does not"),
    (r"\bwhat's\b", "what is"), (r"\bhow's\b", "how is"), (r"\bit's\b", "it is"), (r"\bneighbour", "neighbor"),
    (r"\bi'm\b|\bi am\b", "i am"), (r"\bthat's\b", "that is"), (r"\bwho's\b", "who is"),
)  # fmt: skip


_ONE = r"T[a-z]{1,2}"
# The same once things are marked.
_MARKED = (
    (rf"\bsame as from ({_ONE}) to (?={_ONE})", r"same as the distance from \1 to "),
    (rf"\bhow many times as (\w+) as ({_ONE}) (is|are) ({_ONE})\b", r"how many times \3 \4 as \1 as \2"),
    (
        rf"\b(how many times|how much) ((?:more )?\w+) than ({_ONE}) (is|are|does) ({_ONE})\b",
        r"\1 \2 \4 \5 than \3",
    ),
    (
        rf"\bis there more (?:space|room) between ({_ONE}) and ({_ONE}) than (?:there is )?between (?={_ONE})",
        r"is the gap between \1 and \2 larger than the gap between ",
    ),
    (
        rf"\bis there less (?:space|room) between ({_ONE}) and ({_ONE}) than (?:there is )?between (?={_ONE})",
        r"is the gap between \1 and \2 smaller than the gap between ",
    ),
    (
        rf"^(?:seen )?from ({_ONE}|CAM),? (what|which)(?: (?:object|thing|one|item))? is (?:the )?"
        r"(nearest|farthest)(?: (?:object|thing|one|item))?\b",
        r"\2 is \3 to \1",
    ),
    (
        rf"\b(height|width|depth) ratio (?:of|between) ({_ONE}) (?:to|and) ({_ONE})\b",
        r"ratio of the \1 of \2 to the \1 of \3",
    ),
    (rf"\bexceeds? ({_ONE}) in height\b", r"is taller than \1"),
    (rf"\bexceeds? ({_ONE}) in width\b", r"is wider than \1"),
    (
        rf"\b(?:starting|beginning|start|begin|setting out) (?:at|from|with) ({_ONE}),? "
        rf"(?:(?:i|we|you|someone|one|it) )?(?:\w+ )?to (?={_ONE})",
        r"from \1 to ",
    ),
    (rf"\bconnect(?:s|ing)? ({_ONE}) to\b", r"connect from \1 to"),
    (rf"({_ONE}) to ({_ONE}),? and (?:from )?\2 to\b", r"\1 to \2 to"),
    (rf"\bdistances (?:from )?(?={_ONE} to {_ONE} to)", "total path from "),
    (rf"\bbetween the (height|width|depth)s of ({_ONE}) and ({_ONE})\b", r"between the \1 of \2 and the \1 of \3"),
    (rf"\bgap of ((?:at least |at most )?L[a-z]) between ({_ONE}) and ({_ONE})\b", r"gap between \2 and \3 of \1"),
    (r"\bnearest to CAM to (?:the )?farthest from CAM\b", "nearest to farthest"),
    (r"\bfarthest from CAM to (?:the )?nearest to CAM\b", "farthest to nearest"),
)


@dataclass
class Marked:
    """A marked question with what its marks stand for; lengths in m."""

    text: str
    things: dict[str, Node] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    multiples: dict[str, float] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def thing(self, node: Node) -> str:
        """Return the mark of a thing, a new one unless it has one."""
        for mark, known in self.things.items():
            if known == node:
                return mark
        mark = f"T{_letter(len(self.things))}"
        self.things[mark] = node
        return mark


def marked(question: str, names: Names) -> Marked:
    """Return a question with marks for the things and lengths in it."""
    text = f" {' '.join(question.split()).lower()} "
    for pattern, plain in _SPELLINGS:
        text = re.sub(pattern, plain, text)
    made = Marked(text)
    _mark_names(made, names)
    _mark_quantities(made)
    for pattern, plain in _CANONICAL:
        made.text = re.sub(pattern, plain, made.text)
    _mark_unknown(made)
    made.text = re.sub(r"\s*([,:;.?!])\s*", r"\1 ", made.text)
    made.text = " ".join(made.text.split())
    made.text = re.sub(r"\b(closer|farther) (?=T[a-z]{1,2}\b)", r"\1 to ", made.text)
    made.text = re.sub(rf"({_ONE}) or (?:to|from) ({_ONE})\b", r"\1 or \2", made.text)
    _mark_lists(made)
    return made


def simplify(made: Marked) -> None:
    """Give one wording to marked texts that mean the same, before and after things by relation have marks."""
    for pattern, plain in _MARKED:
        made.text = re.sub(pattern, plain, made.text)


def _letter(number: int) -> str:
    return _LETTERS[number] if number < len(_LETTERS) else _LETTERS[number // 26 - 1] + _LETTERS[number % 26]


def _mark_names(made: Marked, names: Names) -> None:
    """Mark every spelling of an object, the longest first, with its article and the adjectives before it."""
    spellings = names.spellings - _RESERVED
    has_number = any(char.isdigit() for char in made.text)
    for spelling in sorted(spellings, key=lambda text: (-len(text), text)):
        pattern = re.compile(rf"(?<![\w'-]){re.escape(spelling)}(?![\w-])")
        start = 0
        while match := pattern.search(made.text, start):
            before, adjectives = _adjectives(made.text[: match.start()])
            article = re.search(rf"\b({_ARTICLE}|a|an) $", before)
            stated = _STATED.search(made.text[: match.start()])
            unnamed = article[1] in ("a", "an") and has_number if article else spelling in _STOPS
            if stated or unnamed:
                start = match.end()
                continue
            phrase = " ".join([*adjectives, spelling])
            mark = made.thing(Mentioned(f"the {phrase}"))
            head = before[: article.start()] if article else before
            made.text = f"{head}{mark}{made.text[match.end() :]}"
            start = len(head) + len(mark)


# "A 140 cm wide " before a noun that then names nothing in the image.
_STATED = re.compile(r"\b(?:a|an|my|our|some) [\d.,]+ ?-?[a-z]* ?-?(?:(?:wide|tall|high|broad|long|deep|thick) )?$")


def _adjectives(before: str) -> tuple[str, list[str]]:
    """Split the adjectives off the end of a text, such as "the small red " before "mug"."""
    found: list[str] = []
    vocab = vocabulary()
    while match := re.search(r"([a-z-]+) $", before):
        word = match[1]
        if word in _STOPS or word in _GENERIC or not vocab.is_listed_adjective(word) or len(found) >= 4:
            break
        found.insert(0, word)
        before = before[: match.start()]
    return before, found


def _mark_quantities(made: Marked) -> None:
    parts, end = [], 0
    for one in quantities(made.text):
        if one.unit is None or one.unit.unit_si not in ("m", "ratio"):
            continue
        target, first = (made.lengths, "L") if one.unit.unit_si == "m" else (made.multiples, "K")
        mark = f"{first}{_letter(len(target))}"
        target[mark] = one.value
        parts += [made.text[end : one.start], f" {mark} "]
        end = one.end
    made.text = " ".join(("".join([*parts, made.text[end:]])).split())
    made.text = re.sub(r"(L[a-z]{1,2}) ?-? ?(?=(?:wide|tall|high|long|deep|reach|across)\b)", r"\1 ", made.text)


def _mark_unknown(made: Marked) -> None:
    """Mark what the question calls by name and the image does not show, so that it is looked for."""
    start = 0
    while match := re.compile(r"\b(?:the|this) ((?:[a-z][a-z'-]*)(?: [a-z][a-z'-]*)*)").search(made.text, start):
        words = []
        for word in match[1].split():
            if word.removesuffix("'s") in _STOPS:
                break
            words.append(word)
        start = match.start() + 1
        bare = [word.removesuffix("'s") for word in words]
        if not words or bare[-1] in _GENERIC or bare[0] in _GENERIC or bare[-1].endswith(("est", "ly", "most")):
            continue
        owned = "'s" if words[-1].endswith("'s") else ""
        mark = made.thing(Mentioned(f"the {' '.join([*words[:-1], bare[-1]])}"))
        end = match.start(1) + len(" ".join(words))
        made.text = f"{made.text[: match.start()]}{mark}{owned}{made.text[end:]}"


def _mark_lists(made: Marked) -> None:
    """Mark lists of at least three things, or of two to choose from."""
    thing = r"T[a-z]{1,2}"
    listing = rf"{thing}(?:, {thing})+,? (?:and|or) {thing}|{thing}(?:, {thing}){{2,}}|{thing},? or {thing}"
    _mark_list(made, rf"(?P<of>{listing})")
    if re.search(r"\bwhich(?:ever)?\b", made.text):
        both = rf"(?P<of>{thing} and {thing})"
        begins = r"\b(?:of|among|amongst)|(?<!distance )(?<!gap )(?<!space )\bbetween"
        _mark_list(made, rf"(?:{begins}) {both}(?=,? (?:which|is|are|lies|has|stands|would|sits)|\W*$)")
        _mark_list(made, rf"(?:^|\. ){both}(?=: (?:which|what))")
        _mark_list(made, rf"(?:[:,]|\b(?:compare|comparing)) {both}(?=\W*$|[,:;.] )")
    _mark_list(made, rf"(?:^|\. )(?:out )?of (?P<of>{thing} and {thing})(?=, what\b)")
    _mark_list(made, rf"\b(?:pick|choose|select)\b.*?\b(?:from|between|of) (?P<of>{thing} and {thing})")


def _mark_list(made: Marked, pattern: str) -> None:
    while match := re.search(pattern, made.text):
        mark = f"S{_letter(len(made.lists))}"
        made.lists[mark] = tuple(re.findall(r"T[a-z]{1,2}", match["of"]))
        made.text = f"{made.text[: match.start('of')]}{mark}{made.text[match.end('of') :]}"
