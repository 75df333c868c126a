"""Types about several objects, asked of a few rendered rooms, against exact geometry."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.pipeline import processed_images
from scenes.crawl import write_crawl
from scenes.truth.exact import check
from scenes.truth.measure import ExactScene, read_manifest, read_scene
from scenes.truth.tally import Tally
from tests.truth.words import fault
from udfs.questions.question_type import Group
from udfs.questions.registry import question_type, question_types
from udfs.questions.settings import SynthesizeSettings

ROOMS, SEED = 8, 83
FURTHER = [kind.type_id for kind in question_types().values() if kind.group == Group.FURTHER]
Row = dict[str, Any]
Answered = list[tuple[Row, ExactScene]]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    crawl = tmp_path_factory.mktemp("rooms")
    write_crawl(str(crawl), ROOMS, SEED, width=320, height=240)
    settings = SynthesizeSettings(answers_per_image=300)
    scenes = [read_scene(crawl, row) for row in read_manifest(crawl)]
    made = zip(processed_images(crawl, settings=settings), scenes, strict=True)
    return [(row, scene) for processed, scene in made for row in processed.answers]


def _further(answered: Answered) -> Answered:
    return [(row, scene) for row, scene in answered if question_type(row["type_id"]).group == Group.FURTHER]


def test_answers_are_right(answered: Answered) -> None:
    tally = Tally()
    for row, scene in _further(answered):
        tally.add(row, check(row, scene))
    figures = tally.figures()
    assert figures["answers"] >= 300
    # With the crawl's boxes, the size of what is cut off is known.
    assert set(tally.types) == set(FURTHER) - {"U05"}
    assert figures["qualitative_right"] >= 0.995
    assert figures["within_10"] >= 0.95


def test_words_say_what_the_columns_hold(answered: Answered) -> None:
    assert [fault(row) for row, _ in answered if fault(row)] == []


def _other_chosen(row: Row) -> Row:
    others = [one for one in row["object_ids"] if one != row["answer_object_id"]]
    return {**row, "answer_object_id": others[-1]}


_OTHER = {"left": "right", "right": "left", "behind": "left", "isosceles": "scalene", "scalene": "isosceles"}


def _other_side(row: Row) -> Row:
    side = _OTHER.get(row["side"], "6 o'clock" if row["side"] == "12 o'clock" else "12 o'clock")
    return {**row, "side": side}


SPOILT: dict[str, Callable[[Row], Row]] = {
    "bool": lambda row: {**row, "answer_bool": not row["answer_bool"]},
    "choice": _other_chosen,
    "number": lambda row: {**row, "value_si": 1.5 * row["value_si"] + 1},
    "text": lambda row: (
        {**row, "answer_object_ids": row["answer_object_ids"][::-1]} if row["answer_object_ids"] else _other_side(row)
    ),
}


def test_what_is_spoilt_is_noticed(answered: Answered) -> None:
    noticed = []
    for row, scene in _further(answered):
        if row["answer_kind"] in SPOILT:
            verdict = check(SPOILT[row["answer_kind"]](row), scene)
            noticed.append(verdict.right is False or (verdict.relative_error or 0.0) > 0.1)
    assert len(noticed) >= 300 and sum(noticed) == len(noticed)
