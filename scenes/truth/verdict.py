"""Verdicts on answers, and the forms that most oracles take.

An oracle is a function of a `qa_pairs` row and the exact scene. Yes/no and choices are right when the sign of the
predicate agrees, without any margin; numbers carry their relative error, and are right when their side is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scenes.truth.measure import ExactObject, ExactScene

Row = Mapping[str, Any]
Measure = Callable[[ExactObject], float]


@dataclass(frozen=True)
class Verdict:
    """`right` is None where exact geometry cannot decide; `relative_error` is None without a number."""

    right: bool | None
    truth: float | int | bool | str | None
    relative_error: float | None = None


# Of an exact scene, or of an exact path for types about several views.
Oracle = Callable[[Row, Any], Verdict]


def yes_no(measure: Measure, more: bool) -> Oracle:
    """Return the oracle of a predicate that says A has more, or less, of a measure than B."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        a, b = (measure(scene.objects[number]) for number in row["object_ids"])
        truth = (a > b) == more
        return Verdict(row["answer_bool"] == truth, truth)

    return judge


def choice(measure: Measure, more: str, less: str) -> Oracle:
    """Return the oracle of which of two objects has more, or less, of a measure."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        a, b = row["object_ids"]
        if row["side"] not in (more, less):
            raise ValueError(f"{row['type_id']} has side {row['side']!r}; it must be {more!r} or {less!r}.")
        a_has_more = measure(scene.objects[a]) > measure(scene.objects[b])
        truth = a if a_has_more == (row["side"] == more) else b
        return Verdict(row["answer_object_id"] == truth, truth)

    return judge


def difference(measure: Measure, more: str, less: str) -> Oracle:
    """Return the oracle of how much more, or less, of a measure A has than B."""

    def judge(row: Row, scene: ExactScene) -> Verdict:
        a, b = (measure(scene.objects[number]) for number in row["object_ids"])
        return number_verdict(row, abs(a - b), row["side"] == (more if a > b else less))

    return judge


def number(measure: Measure) -> Oracle:
    """Return the oracle of a number about one object."""
    return lambda row, scene: number_verdict(row, measure(scene.objects[row["object_ids"][0]]))


def distance(between: Callable[[ExactScene, int, int], float]) -> Oracle:
    """Return the oracle of a distance between two objects."""
    return lambda row, scene: number_verdict(row, between(scene, *row["object_ids"]))


def number_verdict(row: Row, truth: float, right: bool = True) -> Verdict:
    """Return the verdict on a number against its true value."""
    error = abs(row["value_si"] - truth) / truth if truth > 1e-6 else float("inf")
    return Verdict(right, truth, error)
