"""The benchmark of a model in small: what it says at once is read, and what is lost is told by where."""

import re
from pathlib import Path

import pytest

from benchmarks.composed import Composed
from benchmarks.reason_model import MODEL, PARSER, PLANNER, RIGHT, lines, measured, read_at_once
from tests.evaluation.chat_server import says, serving
from vlm.evaluation.predictors.endpoint import Endpoint, EndpointSettings
from vlm.reason.values import Number, Thing, Verdict, Words

NAMES = ("the red sofa", "the table", "the lamp")


@pytest.mark.parametrize(
    ("truth", "said", "value"),
    [
        (True, "Yes, it passes.", Verdict(True)),
        (False, "The lamp.", None),
        (7, "It is the table.", Thing("the table")),
        ("isosceles", "An isosceles triangle.", Words("isosceles")),
        ("isosceles", "Isosceles or scalene.", None),
        ((1, 2), "First the lamp, then the red sofa.", Words("the lamp, the red sofa")),
        ((1, 2), "I cannot tell.", None),
    ],
)
def test_an_answer_at_once_is_read_by_the_kind_of_its_truth(truth: object, said: str, value: object) -> None:
    assert read_at_once(said, Composed("order", "Which one?", truth), NAMES) == value  # pyright: ignore[reportArgumentType]


def test_a_length_at_once_is_read_in_meters() -> None:
    found = read_at_once("about 50 cm", Composed("sums", "How far is it?", 0.5), NAMES)
    assert isinstance(found, Number) and found.value == pytest.approx(0.5)


def test_every_question_is_counted_once_and_lost_at_one_place(tmp_path: Path) -> None:
    def answer(request, _):
        return says("I do not know." if re.search(r"\btall|\bwid", request.prompt) else "2 meters")

    with serving(answer) as (url, _):
        model = Endpoint("tiny", EndpointSettings(url=url, model="tiny", retries=0, concurrency=1))
        report = measured(model, questions=14, seed=3, crawl=tmp_path / "rooms", rooms=4, width=160)
    outcomes = [report.total(one) for one in (RIGHT, PLANNER, PARSER, MODEL)]
    assert sum(outcomes) == report.asked.total() >= 10
    assert report.total(PARSER) > 0 and report.total(MODEL) > 0
    assert lines(report)[-1].startswith(f"| all | {report.asked.total()} | {' | '.join(map(str, outcomes))} |")
