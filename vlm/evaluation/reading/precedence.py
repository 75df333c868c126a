r"""The grammar of precedence: which words of an output are its answer. All parsers of answers follow it.

An output is read from the strongest statement to the weakest, until one holds a value of the asked kind:

1. **Mark.** `\scalar{}`, `\boxed{}`, `<answer>`, box tokens (`<|begin_of_box|>`), and a key of JSON such as `answer`,
   `option` or `choice`; of several, the last. Reasoning (`<think>`) never counts.
2. **Final.** What follows "final answer", "answer:", "the answer is", "correct option is", "答案"; of several, the last
   that is not denied ("the answer is not A"). What is said after it, such as reasons, does not count.
3. **Verdict.** What follows "therefore", "so", "I choose", "in conclusion", "所以"; of several, the last that is not
   denied.
4. **Rest.** Everything else, by the rules of the kind.

Words of correction ("wait", "actually", "on second thought") divide an output. 2 to 4 apply to what follows the last
correction, then to what precedes it; without a final statement, so does 4. Words that deny ("not A"), compare
("than B"), reject ("A is wrong") or refuse never state a value.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import TypeVar

from vlm.evaluation.reading.marked import Part, body_of, marked_parts

# What follows a correction is its author's last word, unless it is long and concludes nothing.
_SHORT_CORRECTION = 160
_DECORATION = r"[\s*_`\"'#>~-]*"
_IS = r"(?:\s+(?:is|would be|should be|must be|will be|has to be|remains)\b(?:\s+that\b)?|['’]s\b|\s*(?::|=|->|→))"
_BEST = r"(?:correct|right|best|most likely|chosen|selected|appropriate|accurate|suitable|final|overall)"
FINAL = re.compile(
    rf"\bfinal{_DECORATION}(?:answer|verdict|choice|estimate|result)\b{_DECORATION}(?:(?:is|would be"
    rf"|[:=]){_DECORATION})*"
    rf"|\b(?:answer|{_BEST} (?:option|choice|answer|statement|one)|my (?:choice|pick)|option|choice|verdict)\b"
    rf"(?:\s+(?:to|for|of|here|in this)\b[^.:\n]{{0,90}}?)?[*_`\"]*(?:{_IS}{_DECORATION})+"
    r"|\banswer (?=\(?[A-H]\b)|^\W*answer\W*\n"
    r"|答案\s*(?:应该|应|就)?(?:是|为|选)?\s*:?\s*|(?:故|因此|所以|我|应该?|最终)选择?\s*:?\s*|选(?:项|择)?\s*:?\s*(?=[(\[]?[A-H])",
    re.IGNORECASE | re.MULTILINE,
)
VERDICT = re.compile(
    r"\b(?:therefore|thus|hence|so(?! (?:far|that|much|many|called))|consequently|accordingly|as a result"
    r"|(?:in|to the) conclusion|to conclude|in summary|to (?:summarize|sum up)|overall|in short|ultimately"
    r"|which means|this (?:means|suggests|indicates|implies|shows)|(?:we|i) (?:can )?(?:conclude|deduce|infer)"
    r"|(?:conclusion|summary):"
    r"|i(?: would|'d| will|'ll| am|'m)?(?: (?:have to|going to|inclined to|definitely|just|then|confidently))?"
    r" (?:choose|pick|select|go with|going with|opt for|vote for|settle on|going for|guess)"
    r"|i (?:went with|chose|picked)"
    r"|my (?:best )?(?:guess|pick|estimate|assessment|judgment|vote)(?: (?:is|would be))?)\b[\s,:*_]*"
    r"|(?:因此|所以|综上(?:所述)?|故|由此可见)[\s,:]*",
    re.IGNORECASE,
)
_CLAUSE_START = "".join(rf"|(?<={before})" for before in (r"[.!?,;:)—–\n-]", r"[.!?,;:)—–\n-]\s", *(
    rf"\b{word}\s" for word in ("but", "and", "oh", "no", "hmm", "well"))))  # fmt: skip
CORRECTION = re.compile(
    rf"(?:\A\s*{_CLAUSE_START})(?:wait|hold on|actually|scratch that|correction"
    r"|on (?:second thought|closer (?:inspection|look)|(?:further )?reflection)s?"
    r"|let me (?:re-?consider|re-?check|correct|re-?think|re-?evaluate|re-?examine|double[- ]?check|look again"
    r"|rephrase)"
    r"|(?:oh|oops|sorry|apologies|my mistake|my apologies)(?=[,.!]| -)"
    r"|i (?:made (?:a mistake|an error)|misspoke|was wrong|stand corrected|need to correct|should correct)"
    r"|to correct myself|or rather|i mean|looking (?:again|more closely|closer))\b"
    r"(?: (?:my answer|myself|for the confusion|about that|again))?[\s,.:;!–—-]*",
    re.IGNORECASE,
)


Value = TypeVar("Value")
_MAX_STATEMENTS = 32


class Rank(IntEnum):
    """How strongly an output states what follows; the lowest is read first."""

    MARK = 1
    FINAL = 2
    VERDICT = 3
    REST = 4


@dataclass(frozen=True)
class Statement:
    """A text that may hold the answer, from a position of `part` on."""

    rank: Rank
    text: str
    start: int
    part: Part


def statements(output: str) -> Iterator[Statement]:
    """Yield the statements of an output from the strongest to the weakest."""
    for part in marked_parts(output):
        yield Statement(Rank.MARK, part.text, 0, part)
    part = body_of(output)
    text = part.text
    starts = [0, *(found.end() for found in CORRECTION.finditer(text) if text[found.end() :].strip())]
    finals = [found.end() for found in FINAL.finditer(text)]
    for start, end in zip(reversed(starts), [len(text), *reversed(starts[1:])], strict=True):
        for rank, places in (
            (Rank.FINAL, finals),
            (Rank.VERDICT, [found.end() for found in VERDICT.finditer(text)]),
        ):
            for place in reversed([place for place in places if start <= place < end]):
                yield Statement(rank, text[place:end], place, part)
        if end - start <= _SHORT_CORRECTION or not any(place < start for place in finals):
            yield Statement(Rank.REST, text[start:end], start, part)
    if len(starts) > 1:
        yield Statement(Rank.REST, text, 0, part)


def first_read(output: str, read: Callable[[Statement], Value | None]) -> Value | None:
    """Return the value of the strongest statement that `read` finds one in, or None.

    Of an output that repeats "so" or "wait" to the limit of tokens, the strongest statements are tried only.
    """
    for one in islice(statements(output), _MAX_STATEMENTS):
        value = read(one)
        if value is not None:
            return value
    return None


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a line ends one too."""
    found = re.split(r"(?<=[.!?;])[\"'*_)]*\s+(?=\S)|\n+|(?<=[.!?])(?=[\u4e00-\u9fff])", text)
    return [one for one in found if one.strip()]
