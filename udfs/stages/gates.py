"""Filter scores and their thresholds: which images go on, and the sentence about one that does not."""

from collections.abc import Iterable, Mapping
from typing import Any


def gate_of(
    scores: Mapping[str, float] | Iterable[tuple[str, float]] | None, thresholds: Mapping[str, float]
) -> str | None:
    """Return None where every score reaches its threshold, else a sentence with the first that does not.

    A score that is not there is 0.
    """
    given: dict[str, Any] = dict(scores or {})
    for name, minimum in thresholds.items():
        score = given.get(name) or 0.0
        if score < minimum:
            carried = ", ".join(f"{one}={value:,.2f}" for one, value in given.items() if value is not None)
            return (
                f"Filter score {name} is {score:,.2f}, under the threshold {minimum} ({carried}); lower"
                " `context.thresholds` and run `spatiallake backfill` to keep it."
            )
    return None
