"""`python -m studies.claims.parts --work DIR`: accuracy by part.

Lengths by size, relations by form of the answer, and unparsed answers by question type; for the lakes, the median
length of every type.
"""

import argparse
import json
import sys
from bisect import bisect
from collections import Counter
from pathlib import Path
from typing import Any

from jobs.engine.errors import SpatialLakeError
from jobs.views.reader import LakeReader
from studies.claims.outcomes import BLANKED, SIDES, Runs, answered, is_side, shares_by
from studies.claims.study import Study
from vlm.evaluation.baselines import TEXT_ONLY_PRIOR
from vlm.evaluation.items import Kind, Prediction
from vlm.evaluation.scores.choices import is_right
from vlm.evaluation.scores.numbers import RANGES, within

_EDGES_M = (0.3, 0.6, 1.0, 2.0)
_SIZES = ("0 to 0.3 m", "0.3 to 0.6 m", "0.6 to 1 m", "1 to 2 m", "2 m and more")
_RELATIONS = {Kind.BOOL: "yes or no", Kind.CHOICE: "a name"}
_MEDIANS = "SELECT type_id, round(median(value_si), 3) AS middle FROM t WHERE unit_si = 'm' GROUP BY 1 ORDER BY 1"


def by_length(conditions: Runs) -> dict[str, Any]:
    """Return, for every `in_range` score and size of a length, the number of questions and the shares in range."""
    found: dict[str, Any] = {}
    for score, bounds in RANGES.items():

        def is_in(one: Prediction, bounds: tuple[float, float] = bounds) -> bool:
            return one.parsed and within(one.reading.value, one.item.truth.value_si or 0.0, *bounds)

        found[score] = shares_by(conditions, _size, is_in)
    return found


def _size(one: Prediction) -> str | None:
    return _SIZES[bisect(_EDGES_M, one.item.truth.value_si or 0)] if _is_length(one) else None


def _is_length(one: Prediction) -> bool:
    return one.item.kind == Kind.NUMBER and one.item.truth.unit_si == "m"


def by_answer(conditions: Runs, letters: set[str]) -> dict[str, Any]:
    """Return, for relations answered by yes or no, a name or a letter, their number and the accuracies.

    `letters` are the ids of questions that ask for a letter.
    """

    def form(one: Prediction) -> str | None:
        return "a letter" if one.item.item_id in letters else _RELATIONS.get(one.item.kind)

    return shares_by(conditions, form, is_right)


def no_number(conditions: Runs) -> dict[str, dict[str, int]]:
    """Return the number of unparsed answers to questions about lengths, by run and type."""
    found: dict[str, dict[str, int]] = {}
    for condition, predictions in conditions.items():
        missed = Counter(one.item.type_id for one in predictions if _is_length(one) and not one.parsed)
        if missed:
            found[condition] = dict(sorted(missed.items()))
    return found


def main() -> None:
    """Print all parts of every finished run of a study."""
    parser = argparse.ArgumentParser(prog="studies.claims.parts", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of a study with its lakes and answers")
    study = Study(work=parser.parse_args().work)
    conditions: dict[str, list[Prediction]] = {}
    for run, models in answered(study).items():
        conditions |= {name: models[name] for name in (run, run + BLANKED)}
        conditions.setdefault(TEXT_ONLY_PRIOR, models[TEXT_ONLY_PRIOR])
    lakes = {name: LakeReader(str(study.lake(name))) for name in study.lakes}
    rows = lakes["held_out"].query("qa_pairs", "SELECT qa_id FROM t WHERE answer_form = 'letter'")
    letters = {row["qa_id"] for row in rows}
    found = {
        "lengths": by_length(conditions),
        "relations": by_answer(conditions, letters),
        SIDES: by_answer(
            {condition: [one for one in own if is_side(one.item)] for condition, own in conditions.items()}, letters
        ),
        "no number": no_number(conditions),
        "median m": {
            name: {row["type_id"]: row["middle"] for row in lake.query("qa_pairs", _MEDIANS)}
            for name, lake in lakes.items()
        },
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    try:
        main()
    except SpatialLakeError as error:
        sys.exit(f"studies.claims.parts: {error}")
