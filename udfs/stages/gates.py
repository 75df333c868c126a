"""Filter scores and their thresholds: which images go on, and the sentence about one that does not."""

from collections.abc import Iterable, Mapping

# Arrow gives maps as lists of pairs.
Scores = Mapping[str, float] | Iterable[tuple[str, float]]


def gate_of(scores: Scores | None, thresholds: Mapping[str, float]) -> str | None:
    """Return None where every score reaches its threshold, else a sentence with the first that does not.

    A score that is not there is 0.
    """
    pairs = scores.items() if isinstance(scores, Mapping) else scores or ()
    given = {name: score for name, score in pairs if score is not None}
    for name, minimum in thresholds.items():
        score = given.get(name, 0.0)
        if score < minimum:
            carried = ", ".join(f"{one}={value:,.2f}" for one, value in given.items())
            return (
                f"Filter score {name} is {score:,.2f}, under the threshold {minimum} ({carried}); lower"
                " `context.thresholds` and run `spatiallake backfill` to keep it."
            )
    return None
