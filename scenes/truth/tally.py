"""Tallies of verdicts by type, and the figures that the project asks of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scenes.truth.exact import Verdict

TYPES = tuple(f"{family}{number:02d}" for family in "QN" for number in range(1, 20))
YES_NO = ("Q01", "Q02", "Q04", "Q05", "Q07", "Q08", "Q10", "Q11", "Q13", "Q14", "Q16", "Q17", "Q19")


@dataclass
class TypeTally:
    """Verdicts of one type: how many, how many right, relative errors of the numbers, yes and letter counts."""

    answers: int = 0
    judged: int = 0
    right: int = 0
    errors: list[float] = field(default_factory=list)
    yes: int = 0
    letters: list[int] = field(default_factory=lambda: [0, 0])

    def within(self, share: float) -> float:
        """Return the share of numbers whose relative error is at most `share`; NaN without numbers."""
        return float(np.mean(np.asarray(self.errors) <= share)) if self.errors else float("nan")

    @property
    def median_error(self) -> float:
        """Median relative error; NaN without numbers."""
        return float(np.median(self.errors)) if self.errors else float("nan")

    @property
    def right_share(self) -> float:
        """Share of judged answers that are right; NaN without any."""
        return self.right / self.judged if self.judged else float("nan")


@dataclass
class Tally:
    """All verdicts of a lake."""

    types: dict[str, TypeTally] = field(default_factory=lambda: defaultdict(TypeTally))

    def add(self, row: Mapping[str, Any], verdict: Verdict) -> None:
        """Count one row; a number with the wrong side word counts as an error beyond every limit."""
        tally = self.types[row["type_id"]]
        tally.answers += 1
        tally.yes += bool(row["answer_bool"])
        if row["answer_form"] == "letter":
            tally.letters[letter_of(row["answer"])] += 1
        if verdict.right is not None:
            tally.judged += 1
            tally.right += verdict.right
        if verdict.relative_error is not None:
            tally.errors.append(verdict.relative_error if verdict.right else float("inf"))

    def total(self, family: str) -> TypeTally:
        """Return the sum over the types whose id begins with `family`."""
        whole = TypeTally()
        for kind, tally in self.types.items():
            if kind.startswith(family):
                whole.answers += tally.answers
                whole.judged += tally.judged
                whole.right += tally.right
                whole.errors += tally.errors
                whole.yes += tally.yes
                whole.letters = [a + b for a, b in zip(whole.letters, tally.letters, strict=True)]
        return whole

    def missing(self) -> list[str]:
        """Return the core types that never occur."""
        return [kind for kind in TYPES if kind not in self.types]

    def figures(self) -> dict[str, Any]:
        """Return the totals and the figures by type, ready for JSON."""
        quality, quantity = self.total("Q"), self.total("N")
        rows = quality.answers + quantity.answers
        return {
            "answers": rows,
            "types": len(self.types),
            "missing_types": self.missing(),
            "qualitative_share": quality.answers / rows if rows else None,
            "qualitative_right": quality.right_share,
            "within_10": quantity.within(0.10),
            "within_25": quantity.within(0.25),
            "median_rel": quantity.median_error,
            "side_right": quantity.right_share,
            "letter_a": quality.letters[0],
            "letter_b": quality.letters[1],
            "by_type": {kind: self._by_type(kind) for kind in TYPES if kind in self.types},
        }

    def _by_type(self, kind: str) -> dict[str, Any]:
        tally = self.types[kind]
        return {
            "n": tally.answers,
            "right": tally.right_share,
            "within_10": tally.within(0.10),
            "within_25": tally.within(0.25),
            "median_rel": tally.median_error,
            "yes": tally.yes / tally.answers if kind in YES_NO else None,
        }


def letter_of(answer: str) -> int:
    """Return 0 for an answer that says A, 1 for B; raises ValueError for anything else."""
    letter = answer.strip().lstrip("(").upper()[:1]
    if letter not in ("A", "B"):
        raise ValueError(f"A lettered answer says {answer!r}; it must begin with A or B.")
    return "AB".index(letter)


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures by type as a Markdown table."""
    lines = [
        "| type | answers | right % | within 10 % | within 25 % | median rel. error | yes share |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, f in figures["by_type"].items():
        cells = [_percent(f["right"]), _percent(f["within_10"]), _percent(f["within_25"]), _plain(f["median_rel"])]
        lines.append(f"| {kind} | {f['n']} | {' | '.join(cells)} | {_plain(f['yes'], 3)} |")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.2f}"


def _plain(value: float | None, digits: int = 4) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def judge(rows: Iterable[Mapping[str, Any]], verdicts: Iterable[Verdict]) -> Tally:
    """Return the tally of rows and their verdicts, in step."""
    tally = Tally()
    for row, verdict in zip(rows, verdicts, strict=True):
        tally.add(row, verdict)
    return tally
