"""Parsing yes or no, and the option that an answer chooses."""

import re

from vlm.evaluation.reading.marked import answer_part
from vlm.evaluation.reading.refusal import refuses

_FINAL = re.compile(r"\b(?:final answer|answer)\b\s*(?:is|:|=)*\s*[*_`\"']*", re.IGNORECASE)
_YES = re.compile(
    r"(?:yes|yeah|yep|yup|true|correct|right(?=\W*(?:[,.!;:]|$))"
    r"|indeed|affirmative|certainly|absolutely|definitely|of course|sure"
    r"|(?:that|this)(?:['’]s| is) (?:right|correct|true|the case)|(?:it|they) (?:is|are|does|do)(?=\W*(?:[,.]|$)))\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:no|nope|nah|false|incorrect|wrong|negative|not|never|actually|neither"
    r"|(?:that|this)(?:['’]s| is|isn['’]t) ?(?:not|incorrect|wrong|false|untrue)?(?! ?(?:right|correct|true|the case))"
    r"|(?:it|they) (?:is|are|does|do)(?:n['’]t| not)|on the contrary|quite the opposite)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_BESIDE_POINT = re.compile(
    r"\b(?:between|compared (?:to|with)|than|unlike|versus|while|whereas|instead of|not)\b[^.;]*?(?=[,.;]|$)",
    re.IGNORECASE,
)
_MARKS = r"[\s*_`\"'(\[{<]*"


def parse_yes_no(text: str) -> bool | None:
    """Return the yes or no that an answer starts with or states after "answer:", or None.

    "Indeed, ..", "That is right, ..", "Right, ..", "It is, since ..", "Actually, .." and "Not quite, .." count too;
    "right of it" does not.
    """
    body = answer_part(text).text.strip()
    if refuses(body):
        return None
    final = list(_FINAL.finditer(body))
    for start in [match.end() for match in reversed(final)] + [0]:
        said = body[start:].lstrip("*_`\"'([{ \n")
        yes, no = _YES.match(said), _NO.match(said)
        if yes or no:
            return yes is not None
    words = {match[1].lower() for match in _WORD.finditer(body)}
    return "yes" in words if len(words) == 1 else None


def parse_choice(text: str, options: tuple[str, ...]) -> int | None:
    """Return the index of the option that an answer chooses by letter or text, or None.

    A letter counts if it stands alone, in brackets, at the start or after "answer", except the article "A". If several
    options are named, the first counts, ignoring comparisons ("between A and B", "than B").
    """
    body = answer_part(text).text.strip()
    if refuses(body) or not options:
        return None
    plain = [_plain(option) for option in options]
    if _bare(body) in plain:
        return plain.index(_bare(body))
    letters = "".join(chr(ord("A") + index) for index in range(len(options)))
    found = _letter(body, letters)
    if found is not None:
        return letters.index(found)
    for said in (_BESIDE_POINT.sub(" ", body), body):
        named = _named(_bare(said), plain)
        if named is not None:
            return named
    return None


def _letter(body: str, letters: str) -> str | None:
    either = f"[{letters}{letters.lower()}]"
    patterns = (
        rf"\A{_MARKS}({either})\s*[*_`\"')\]}}>.:,;]*\s*\Z",
        rf"(?:\banswer|\boption|\bchoice)\b\s*(?:is|:|=)*{_MARKS}({either})\b(?!['’])",
        rf"\A[\s*_`\"']*[(\[]({either})[)\]]",
        rf"\A[\s*_`\"']*({either})[).:]\s",
        rf"[(\[]({either})[)\]]",
        rf"`({either})`|\*\*({either})\*\*",
        rf"\A({'|'.join(letters)})\b(?!\s+[a-z])",
        rf"\b({'|'.join(letters)})\.?\s*\Z",
    )
    for pattern in patterns:
        flags = re.IGNORECASE if "answer" in pattern else 0
        places = [match for match in re.finditer(pattern, body, flags) if not _article(body, match)]
        if places:
            return next(letter for letter in places[-1].groups() if letter).upper()
    return None


def _article(body: str, match: re.Match[str]) -> bool:
    """Return whether a matched letter is an article, as in "the answer is a chair"."""
    letter = next(one for one in match.groups() if one)
    return letter == "a" and re.match(r"\s+[a-z]", body[match.end() :]) is not None


def _named(said: str, options: list[str]) -> int | None:
    """Return the option named first, the longest one at that position."""
    places = []
    for index, option in enumerate(options):
        match = re.search(rf"(?<!\w){re.escape(option)}(?!\w)", said) if option else None
        if match:
            places.append((match.start(), -len(option), index))
    return min(places)[2] if places else None


def _plain(text: str) -> str:
    """Return an option in lower case, without letter, articles and punctuation."""
    return _bare(re.sub(r"^\s*\(?[A-Z][).:]\s+", "", text))


def _bare(text: str) -> str:
    text = re.sub(r"[^\w\s\[\].-]", " ", text.lower())
    text = re.sub(r"\b(?:the|a|an)\b", " ", text)
    return " ".join(text.split()).strip(" .")
