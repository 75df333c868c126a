"""How many answers another lake agrees with, contradicts, or has nothing to say about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.views.pages.second_answers import CLOSE_SHARE, FACTOR, SecondAnswer, Verdict

# verdict: mark, words after a count, what it means
_WORDS = {
    Verdict.AGREE: ("✓", "agree", "The same answer; a number within 25 %, a direction within 15°"),
    Verdict.OFF: ("≈", "within a factor of two", "Numbers on the same side, beyond 25 % and within a factor of two"),
    Verdict.CONTRADICT: ("✕", "contradict", "Another answer or side; a number beyond a factor of two"),
    Verdict.UNDECIDED: ("?", "not decided there", "The other lake's geometry does not decide the question"),
    Verdict.MISSING: ("∅", "of what is not there", "The other lake has no such object"),
    Verdict.UNSEEN: ("–", "not measured there", "The other lake has no scene of the photograph"),
}


@dataclass(frozen=True)
class Part:
    """The answers of one verdict: how many, their share, and how pages mark and explain them."""

    verdict: str
    mark: str
    words: str
    meaning: str
    count: int
    share: float


class VerdictCounts:
    """The verdicts of many answers, and how close their numbers are."""

    def __init__(self, answers: Sequence[SecondAnswer]) -> None:
        self._counts = Counter(answer.verdict for answer in answers)
        self.total = len(answers)
        ratios = [answer.ratio for answer in answers if answer.ratio is not None]
        self.numbers = len(ratios)
        self.within_25 = sum(abs(ratio - 1.0) <= CLOSE_SHARE for ratio in ratios)
        self.within_2 = sum(1.0 / FACTOR <= ratio <= FACTOR for ratio in ratios)

    def __getitem__(self, verdict: Verdict) -> int:
        """Return how many answers have a verdict."""
        return self._counts[verdict]

    @property
    def parts(self) -> list[Part]:
        """Return the verdicts that occur, agreement first."""
        return [
            Part(str(verdict), *words, self._counts[verdict], self._counts[verdict] / self.total)
            for verdict, words in _WORDS.items()
            if self._counts[verdict]
        ]

    @property
    def numbers_text(self) -> str:
        """Return how close the numbers are, in words; empty without numbers."""
        if not self.numbers:
            return ""
        close = f"{self.within_25} of {self.numbers} numbers within 25 %"
        return f"{close}, {self.within_2} within a factor of two"

    def __str__(self) -> str:
        """Return all of it as one line."""
        counts = ", ".join(f"{part.count:,} {part.words}" for part in self.parts) or "no answers to compare"
        return f"{counts}; {self.numbers_text}" if self.numbers else counts


def mark_of(verdict: Verdict) -> str:
    """Return the sign that pages set beside an answer of a verdict."""
    return _WORDS[verdict][0]
