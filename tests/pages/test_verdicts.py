"""When two answers agree: the same by the Python rule, by the SQL of the report, and by hand."""

from typing import Any

import pytest

from jobs.views.pages.agreement import types_of
from jobs.views.pages.verdicts import agrees
from jobs.views.reader import LakeReader
from schemas.answers import QA_PAIRS
from tests.pages.small_lake import write_table

LENGTH = {"answer_kind": "number", "unit_si": "m"}
ANGLE = {"answer_kind": "number", "unit_si": "rad"}
CHOICE = {"answer_kind": "choice"}
BOOL = {"answer_kind": "bool"}
DEGREE = 0.017453292519943295
# both answers, and whether they agree
CASES = [
    ({**LENGTH, "value_si": 0.77}, {"value_si": 1.0}, False),
    ({**LENGTH, "value_si": 0.8}, {"value_si": 1.0}, True),
    ({**LENGTH, "value_si": 1.25}, {"value_si": 1.0}, True),
    ({**LENGTH, "value_si": 1.3}, {"value_si": 1.0}, False),
    ({**LENGTH, "value_si": 1.0, "side": "left"}, {"value_si": 1.0, "side": "right"}, False),
    ({**LENGTH, "value_si": 1.0, "side": "left"}, {"value_si": 1.1, "side": "left"}, True),
    ({**LENGTH, "value_si": 0.0, "rounding_rule": "rests"}, {"value_si": 0.01, "rounding_rule": "rests"}, True),
    ({**LENGTH, "value_si": 0.02, "rounding_rule": "rests"}, {"value_si": 0.02, "rounding_rule": "metric_cm_1"}, False),
    ({**LENGTH, "value_si": 0.5, "rounding_rule": "metric_cm_5"}, {"value_si": 0.5, "rounding_rule": "cm"}, True),
    ({**ANGLE, "value_si": 20 * DEGREE, "side": "left"}, {"value_si": 34 * DEGREE, "side": "left"}, True),
    ({**ANGLE, "value_si": 20 * DEGREE, "side": "left"}, {"value_si": 36 * DEGREE, "side": "left"}, False),
    ({**ANGLE, "value_si": 6 * DEGREE, "side": "left"}, {"value_si": 8 * DEGREE, "side": "right"}, True),
    ({**ANGLE, "value_si": 8 * DEGREE, "side": "left"}, {"value_si": 8 * DEGREE, "side": "right"}, False),
    ({**ANGLE, "value_si": 14 * DEGREE, "side": "left"}, {"value_si": 4 * DEGREE, "rounding_rule": "ahead"}, True),
    ({**ANGLE, "value_si": 16 * DEGREE, "side": "left"}, {"value_si": 4 * DEGREE, "rounding_rule": "ahead"}, False),
    ({**CHOICE, "side": "left", "answer_object_id": 1}, {"side": "left", "answer_object_id": 1}, True),
    ({**CHOICE, "side": "left", "answer_object_id": 1}, {"side": "right", "answer_object_id": 2}, True),
    ({**CHOICE, "side": "left", "answer_object_id": 1}, {"side": "right", "answer_object_id": 1}, False),
    ({**BOOL, "answer_bool": True}, {"answer_bool": True}, True),
    ({**BOOL, "answer_bool": True}, {"answer_bool": False}, False),
]


def row(number: int, recipe: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return a whole row of `qa_pairs` about an image of its own and a type that names the case."""
    texts = (
        "question",
        "answer",
        "answer_form",
        "reference_form",
        "frame",
        "split",
        "question_template",
        "answer_template",
    )
    own = {"image_id": f"image {number}", "type_id": f"T{number:02d}", "qa_id": f"{recipe}-{number}", "seed": 0}
    fixed = {"family": "", "object_ids": [1, 2], "references": [], "needs": [], "scene_recipe": "", "recipe": recipe}
    lineage = {"ingest_shard": 0, "engine_version": ""}
    return {**dict.fromkeys(QA_PAIRS.schema.names), **dict.fromkeys(texts, ""), **own, **fixed, **lineage, **answer}


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many shared answers of each case agree by the report."""
    lake = tmp_path_factory.mktemp("verdicts")
    kinds = [{"answer_kind": first["answer_kind"], "unit_si": first.get("unit_si")} for first, _, _ in CASES]
    pairs = [(row(n, "a", first), row(n, "b", {**kinds[n], **second})) for n, (first, second, _) in enumerate(CASES)]
    write_table(lake, "qa_pairs", [one for pair in pairs for one in pair])
    found = types_of(LakeReader(str(lake)), "a", "b", True)
    assert all(one.shared == 1 for one in found) and len(found) == len(CASES)
    return {one.type_id: one.agreeing for one in found}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_report_and_the_preview_agree_on_what_agrees(agreeing: dict[str, int], number: int) -> None:
    first, second, expected = CASES[number]
    one, other = row(number, "a", first), {**row(number, "a", first), "side": None, "rounding_rule": None, **second}
    assert agrees(one, other) is agrees(other, one) is expected
    assert bool(agreeing[f"T{number:02d}"]) is expected
