"""Counts of verdicts by question type, and the shares that follow from them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scenes.truth.exact import oracles
from scenes.truth.verdict import Verdict

LETTERS = "ABCDE"


@dataclass
class TypeTally:
    """Verdicts of one type or family: how many, how many right, relative errors, yes and letter counts."""

    family: str = ""
    is_yes_no: bool = False
    answers: int = 0
    judged: int = 0
    right: int = 0
    errors: list[float] = field(default_factory=list)
    yes: int = 0
    letters: list[int] = field(default_factory=lambda: [0] * len(LETTERS))

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
        """Count one row; a number with the wrong side counts as an error beyond every limit."""
        tally = self.types[row["type_id"]]
        tally.family, tally.is_yes_no = row["family"], row["answer_kind"] == "bool"
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
        """Return the sum over the types of a family, `qualitative` or `quantitative`."""
        whole = TypeTally(family)
        for tally in self.types.values():
            if tally.family == family:
                whole.answers += tally.answers
                whole.judged += tally.judged
                whole.right += tally.right
                whole.errors += tally.errors
                whole.yes += tally.yes
                whole.letters = [a + b for a, b in zip(whole.letters, tally.letters, strict=True)]
        return whole

    def missing(self) -> list[str]:
        """Return the types with an oracle that never occur."""
        return sorted(oracles().keys() - self.types.keys())

    def figures(self) -> dict[str, Any]:
        """Return the totals and the figures by type, ready for JSON."""
        quality, quantity = self.total("qualitative"), self.total("quantitative")
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
            "by_type": {kind: self._by_type(kind) for kind in sorted(self.types, key=self._place)},
        }

    def _place(self, kind: str) -> tuple[str, str]:
        return self.types[kind].family, kind

    def _by_type(self, kind: str) -> dict[str, Any]:
        tally = self.types[kind]
        return {
            "n": tally.answers,
            "right": tally.right_share,
            "within_10": tally.within(0.10),
            "within_25": tally.within(0.25),
            "median_rel": tally.median_error,
            "yes": tally.yes / tally.answers if tally.is_yes_no else None,
        }


def letter_of(answer: str) -> int:
    """Return 0 for an answer that says A, 1 for B and so on to E; raises ValueError for anything else."""
    letter = answer.strip().lstrip("(").upper()[:1]
    if not letter or letter not in LETTERS:
        raise ValueError(f"A lettered answer says {answer!r}; it must begin with a letter from A to E.")
    return LETTERS.index(letter)


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
