"""Parsing the option that an answer chooses, by its letter or its text."""

import re
from functools import lru_cache, partial

from vlm.evaluation.reading.options import Options
from vlm.evaluation.reading.precedence import Rank, Statement, first_read, sentences
from vlm.evaluation.reading.refusal import refuses, without_refusals
from vlm.evaluation.reading.things import THING, without_named_letters
from vlm.evaluation.reading.yes_no import parse_yes_no

__all__ = ["parse_choice", "parse_yes_no"]

_OPEN, _CLOSE = r"[\s*_`\"'(\[{<#>-]*", r"[*_`\"')\]}>]*"
_NAMES_OPTION = r"(?:(?:option|choice|letter|answer|number|alternative|statement)s?\s+)?"
# What may follow a letter that is the answer; a verb makes it the subject of a sentence.
_AFTER = (
    r"(?=\s*(?:\Z|[.,;:!?)\]}\n—–(/*=\u4e00-\u9fff]|-(?!\w)"
    r"|(?:because|since|as|and|which|with|due|based|given|for|here|over|rather|instead|not|but)\b))"
)
_REJECTED = re.compile(
    r"[)\]\"'*]*\s*(?:is|are|was|can|could|would|seems|looks|appears)?\s*(?:also|clearly|definitely|both|all|therefore|simply|far)?"
    r"\s*(?:be\s+)?(?:wrong|incorrect|not\b|n['’]t|cannot|can['’]t|too\b|out\b|false|ruled|eliminated|excluded|unlikely"
    r"|impossible|doesn['’]t|does not|isn['’]t|aren['’]t|rejected|inconsistent|invalid)"
    r"|(?:是)?(?:错误|不正确|不对|不是|不符)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|nor|neither|never|than|unlike|over|except|without|instead of|rather than|against)|n['’]t(?:\s+be)?"
    r"|\b(?:rul|eliminat|exclud|reject|dismiss|discard|discount)\w*(?:\s+out)?"
    r"|\bbetween|\bif|\bwere|\bcompar(?:ed|ing)(?:\s+(?:to|with))?|\blike|\bboth)"
    rf"\s*(?:{_NAMES_OPTION}|{THING}\s+)?[\s\"'*(\[]*(?:[A-H][\"'*)\]]*\s*(?:,|\bor\b|\band\b|\bnor\b|/)[\s\"'*(\[]*)*$",
    re.IGNORECASE,
)
_OR_AFTER = re.compile(r"[)\]\"'*]*\s*(?:or|/)\s*(?:option\s+)?[(\[\"'*]*[A-H]\b")
_ONE_OF_MANY = re.compile(r"\s*(?:,|and|or|/|&)\s*(?:option\s+)?\(?[A-H]\b(?!\s*(?:is|was)\b)")
_OR_BEFORE = re.compile(r"(?<!\w)[A-H][)\]\"'*]*\s*(?:or|/)\s*(?:option\s+)?[(\[\"'*]*$")
# A verdict beside each letter: "(A) no; (B) yes", "A) left? No. B) right? Yes."
_JUDGED = re.compile(
    r"(?<!\w)\(?([A-H])\)?\s*[:.–—-]?\s*(?:[^?.;\n]{1,40}\?\s*)?(yes|no|true|false|correct|incorrect|wrong|right|[✓✔✅✗✘❌])(?=\W|\Z)",
    re.IGNORECASE,
)
_GOOD = frozenset(("yes", "true", "correct", "right", "✓", "✔", "✅"))
_IMPRESSION = re.compile(
    r"\b(?:at first|first glance|initially|seems?|appears?|might|may|could|would|looks|first thought|tempting)\b",
    re.IGNORECASE,
)
_CONTRADICTS = re.compile(r"\W*(?:however|but|yet|still|nevertheless|instead|in fact|in reality)\b", re.IGNORECASE)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_ORDINAL_OPTION = re.compile(
    rf"\bthe ({'|'.join(_ORDINALS)}|last) (?:option|choice|alternative)\b"
    rf"|\A\W*(?:it(?:['’]s| is) )?the ({'|'.join(_ORDINALS)}|last) one\b(?=\W*\Z)",
    re.IGNORECASE,
)
_AGREEMENT = re.compile(
    r"\A\W*(?:that(?:['’]s| is) (?:right|correct)|you(?:['’]re| are) (?:right|correct)(?: to \w+)?|all right"
    r"|alright|right|correct)"
    r"[\s]*[,.!;:—–-]+\s*(?=\w)",
    re.IGNORECASE,
)
_WORDS_OF_CHOICE = {"yes": True, "no": False, "true": True, "false": False, "correct": True, "incorrect": False}


def parse_choice(text: str, options: tuple[str, ...], question: str = "") -> int | None:
    """Return the index of the option that an answer chooses by letter or text, or None.

    A letter counts if it stands where an answer stands: alone, in brackets, at the start, after "answer is", "option"
    or "choose", or at the end of a clause. It does not if it is the article "A", names a thing of the image ("point
    A"), or is denied, compared or rejected ("not A", "A is too far"). Options that are about lettered things ("A is
    closer") are compared with what is said of these, also with the opposite adjective; the `question` tells which
    adjective was asked for when the options name things only. Texts of options are compared before stray letters. If
    several options are named, the first counts.
    """
    if not options:
        return None
    return first_read(text, _reader(options, question).read)


@lru_cache(maxsize=512)
def _reader(options: tuple[str, ...], question: str) -> "_Reader":
    return _Reader(options, question)


class _Reader:
    def __init__(self, options: tuple[str, ...], question: str) -> None:
        self._options = Options(options, question)
        self._letters = "".join(chr(ord("A") + index) for index in range(len(options)))
        self._refusals = [place for place, option in enumerate(options) if without_refusals(option) != option]
        words = [_WORDS_OF_CHOICE.get(option.strip(" .").lower()) for option in self._options.plain]
        self._yes_no = words if len(words) == 2 and set(words) == {True, False} else None
        either = self._letters + self._letters.lower()
        self._head = re.compile(
            rf"\A{_OPEN}{_NAMES_OPTION}{_OPEN}(?:([{self._letters}]){_CLOSE}{_AFTER}"
            rf"|([{either}])(?:[)\]]|\Z|[.:](?=\s|\Z)))"
        )
        self._stated = re.compile(
            rf"\b(?i:option|choice|answer|letter|alternative)\s+[\"'*(\[]*([{self._letters}])\b"
            rf"|(?:\b(?:is|be|choose|pick|select|say|with)|['’]s)\s*:?\s*(?:option\s+)?[\"'*(\[]*([{self._letters}])\b"
            rf"{_CLOSE}{_AFTER}"
            rf"|[(\[]([{self._letters}])[)\]]|[`*]([{self._letters}])[`*]"
        )
        self._stray = re.compile(rf"(?<![\w'’.])([{self._letters}])(?=\W*\Z|{_CLOSE}[.,;:!?])(?!['’]\w|\.\w)")
        self._praised = re.compile(
            rf"(?<![\w'’.])([{self._letters}])\b[)\]\"'*]*(?:,[^,.]{{0,60}},)?\s+(?:is|must be|would be|seems"
            rf"|appears(?: to be)?)\s+"
            r"(?:(?:clearly|definitely|therefore|thus|indeed|also|likely|probably)\s+)?(?:the\s+)?(?:most\s+(?:likely"
            r"|accurate|appropriate|plausible)\s+)?(?:correct|right|answer|best|true|accurate|valid"
            r"|my (?:choice|answer|pick)|most (?:likely|accurate|appropriate|plausible|probable|reasonable))"
            rf"|\bonly\s+{_NAMES_OPTION}([{self._letters}])\s+(?:matches|fits|works|holds|applies|makes sense"
            r"|remains|is)\b"
            rf"|\b(?:leaves(?: us with| only)?|remaining option is)\s+{_NAMES_OPTION}([{self._letters}])\b"
        )

    def read(self, one: Statement) -> int | None:
        said = one.text.strip()
        if not said:
            return None
        whole = self._whole(said)
        if whole is not None:
            return whole
        if refuses(said):
            return self._refusals[0] if len(self._refusals) == 1 else None
        said = _ORDINAL_OPTION.sub(self._letter_of, _AGREEMENT.sub("", said))
        head = self._judged(said)
        if head is None:
            head = self._of_head(said)
        if head is not None:
            return head
        if self._yes_no and (yes := parse_yes_no(said)) is not None:
            return self._yes_no.index(yes)
        if one.rank != Rank.REST:
            return self._of_sentence(next(iter(sentences(said)), ""))
        return self._of_rest(said)

    def _whole(self, said: str) -> int | None:
        alone = re.fullmatch(rf"{_OPEN}{_NAMES_OPTION}{_OPEN}([A-Ha-h]){_CLOSE}[\s.,:;!*_]*", said, re.IGNORECASE)
        if alone and alone[1].upper() in self._letters:
            return self._letters.index(alone[1].upper())
        return self._options.exact(said)

    def _of_head(self, said: str) -> int | None:
        found = self._head.match(said)
        if not found or _REJECTED.match(said, found.end()) or _ONE_OF_MANY.match(said, found.end()):
            return None
        return self._letters.index(next(letter for letter in found.groups() if letter).upper())

    def _of_sentence(self, said: str) -> int | None:
        """Return the option that a sentence of a verdict states."""
        for read in (self._options.in_claims, self._of_letters, self._options.in_text, self._of_stray):
            found = read(said)
            if found is not None:
                return found
        return None

    def _of_rest(self, said: str) -> int | None:
        found = self._of_letters(said)
        if found is None and self._options.numeric:
            found = self._options.in_text(said)
        if found is not None:
            return found
        told = _by_weight(_told(said))
        for read in (self._options.in_claims, self._options.in_text, partial(self._options.in_text, denied=True)):
            for sentence in told:
                found = read(sentence)
                if found is not None:
                    return found
        return self._of_stray(said)

    def _of_letters(self, said: str) -> int | None:
        """Return the only letter that stands where an answer stands."""
        free = without_named_letters(said)
        found = [*self._free(self._praised, free), *self._free(self._stated, free)]
        return found[0] if len(set(found)) == 1 else None

    def _letter_of(self, ordinal: re.Match[str]) -> str:
        """Return "option B" for "the second option", and what stands there where there is no such option."""
        name = next(one for one in ordinal.groups() if one).lower()
        place = len(self._letters) - 1 if name == "last" else _ORDINALS.index(name)
        return f"option {self._letters[place]}" if place < len(self._letters) else ordinal[0]

    def _judged(self, said: str) -> int | None:
        """Return the only letter whose verdict is good, where several have one."""
        judged = _JUDGED.findall(without_named_letters(said))
        good = [letter for letter, verdict in judged if letter in self._letters and verdict.lower() in _GOOD]
        return self._letters.index(good[0]) if len(good) == 1 and len(judged) > 1 else None

    def _of_stray(self, said: str) -> int | None:
        found = self._free(self._stray, without_named_letters(said))
        return found[0] if len(set(found)) == 1 else None

    def _free(self, pattern: re.Pattern[str], said: str) -> list[int]:
        """Return the letters of a pattern that are not denied, rejected, alternatives or listed."""
        found = [
            (match, next(at for at, one in enumerate(match.groups(), 1) if one)) for match in pattern.finditer(said)
        ]
        spans = [match.span(group) for match, group in found]
        listed = {said[start] for start, end in spans if _lists(said, start, end)}
        letters = []
        for start, end in spans:
            denied = _DENIED.search(said[:start]) or (pattern is not self._praised and _REJECTED.match(said, end))
            open_choice = _OR_AFTER.match(said, end) or _OR_BEFORE.search(said[:start])
            if not denied and not open_choice and not (len(listed) > 1 and _lists(said, start, end)):
                letters.append(self._letters.index(said[start]))
        return letters


def _lists(said: str, start: int, end: int) -> bool:
    """Return whether a letter stands before the text of its option, as in a list of options."""
    before = re.search(r"(?:\A|\n|[.;]\s*)\W*(?:option|choice)?\s*\(?$", said[:start], re.IGNORECASE)
    return before is not None and re.match(r"[)\]*]*\s*[:.)]\s*\w", said[end:]) is not None


def _told(said: str) -> list[str]:
    """Return the sentences that are no questions, or all if there are only questions."""
    everything = sentences(said)
    return [one for one in everything if not one.rstrip(" *_\"')").endswith("?")] or everything


def _by_weight(said: list[str]) -> list[str]:
    """Return sentences in order, but a contradiction of a mere impression before that impression."""
    for place, one in enumerate(said):
        if place and _CONTRADICTS.match(one) and _IMPRESSION.search(said[place - 1]):
            return [*said[place:], *said[:place]]
    return said
