"""Rewards are what the evaluation says of the same answer, for a lake's rows as TRL passes them."""

import io
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

import spatiallake
from scenes.crawl import write_crawl
from spatiallake import rewards
from tests.rewards.lake_of_rooms import measured, write_lake
from vlm.evaluation.benchmark import item_of
from vlm.evaluation.items import Item, Kind, Prediction
from vlm.evaluation.reading.answer import read
from vlm.evaluation.scores.numbers import relative_accuracy
from vlm.evaluation.scores.success import success

LEFT_HALF = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), 3, 22, width=320, height=240)
    return measured(folder)


@pytest.fixture(scope="module")
def answers(rooms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [answer for room in rooms for answer in room["answers"]]


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def conversation(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


def test_the_engines_own_answers_are_right_and_of_the_right_form(answers: list[dict[str, Any]]) -> None:
    given = columns(answers)
    kinds = given["answer_kind"]
    relation, choice, number, form = (
        function(given["answer"], **given)
        for function in (
            rewards.relation_reward,
            rewards.choice_reward,
            rewards.number_reward,
            rewards.format_reward,
        )
    )
    assert {"bool", "choice", "number"} == set(kinds)
    assert relation == [1.0 if kind == "bool" else None for kind in kinds]
    assert choice == [1.0 if kind == "choice" else None for kind in kinds]
    said = [reward for reward, row in zip(number, answers, strict=True) if row["answer_kind"] == "number"]
    # Rounding to a quarter is the most that a wording does; heights of what rests on the floor state no number.
    assert min(reward for reward in said if reward is not None) >= 0.5
    assert [reward is None for reward in said] == [
        row["rounding_rule"] == "rests" or not (row["value_si"] > 0 or row["unit_si"] == "rad")
        for row in answers
        if row["answer_kind"] == "number"
    ]
    assert {one for one in form if one is not None} == {1.0}


def test_rewards_are_what_the_evaluation_says(answers: list[dict[str, Any]]) -> None:
    """Answers to other questions, among them wrong numbers, wrong options and words of another kind."""
    draw = random.Random(5)
    functions = {
        Kind.BOOL: rewards.relation_reward,
        Kind.CHOICE: rewards.choice_reward,
        Kind.NUMBER: rewards.number_reward,
    }
    seen = dict.fromkeys(functions, 0)
    for row in answers:
        things = {one: {"label": "thing", "range_m": 1.0} for one in row["object_ids"]}
        item = item_of({**row, "reference_form": "label"}, things)
        if item is None:
            continue
        said = [draw.choice(answers)["answer"] for _ in range(8)]
        given = {name: [value] * len(said) for name, value in row.items()}
        got = functions[item.kind](said, **given)
        assert got == [evaluated(item, text) for text in said], (row["question"], said)
        seen[item.kind] += len(set(got))
    assert all(count > 10 for count in seen.values()), seen


def evaluated(item: Item, text: str) -> float:
    reading = read(item, text)
    if reading.value is None:
        return 0.0
    truth = item.truth
    if item.kind == Kind.NUMBER and truth.side and read(item, item.answer).side == truth.side != reading.side:
        return 0.0
    if item.kind != Kind.NUMBER or truth.unit_si == "rad" or truth.value_si is None:
        return success(Prediction("", item, text, reading))
    return relative_accuracy(reading.value, truth.value_si)


def test_texts_and_conversations_are_read_alike(answers: list[dict[str, Any]]) -> None:
    given = columns(answers)
    texts = given["answer"]
    parts = [[{"role": "assistant", "content": [{"type": "text", "text": text}]}] for text in texts]
    called = [[{"role": "assistant", "content": None, "tool_calls": []}] for _ in texts]
    for function in rewards.ALL:
        if function is rewards.point_reward:
            continue
        plain = function(texts, **given)
        assert function([conversation(text) for text in texts], **given) == plain
        assert function(parts, **given) == plain
        assert {one for one in function(called, **given) if one is not None} == {0.0}


def test_the_question_may_stand_in_the_prompt() -> None:
    """A question that asks for centimeters gives a bare number its unit."""
    question = "How far is the cup from the lamp, in cm?"
    for given in (
        {"question": [question]},
        {"prompts": [question]},
        {"prompts": [[{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]]},
        {"prompts": [[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]]},
    ):
        assert rewards.number_reward(["80"], value_si=[0.8], unit_si=["m"], **given) == [1.0]
    assert rewards.number_reward(["80"], value_si=[0.8], unit_si=["m"]) == [0.0]


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        ("2 meters", 1.0),
        ("200 cm", 1.0),
        ("<think>It is 9 m.</think>2 m", 1.0),
        ("6.56 feet", 1.0),
        ("1 m", 0.1),
        ("1.5 m", 0.6),
        ("3 m", 0.1 * round(10 * relative_accuracy(3, 2))),
        ("0.9 m", 0.0),
        ("I cannot tell.", 0.0),
        ("", 0.0),
        ("m m m m", 0.0),
        ("99999999999999999999999 m", 0.0),
        ("1e999 m", 0.0),
    ],
)
def test_a_number_is_graded_by_its_relative_error(text: str, reward: float) -> None:
    (got,) = rewards.number_reward([text], value_si=[2.0], unit_si=["m"])
    assert got == pytest.approx(reward)


def test_the_wrong_side_gets_nothing_and_a_missing_one_where_it_is_asked_for() -> None:
    said = ["60 cm to the left", "60 cm to the right", "60 cm"]
    given = {"value_si": [0.6] * 3, "unit_si": ["m"] * 3, "side": ["left"] * 3}
    assert rewards.number_reward(said, **given, answer=["60 centimeters to the left."] * 3) == [1.0, 0.0, 0.0]
    assert rewards.number_reward(said, **given) == [1.0, 0.0, 1.0]
    angles = [
        "30 degrees to the left",
        "30 degrees to the right",
        "straight ahead",
        "44 degrees left",
        "50 degrees left",
    ]
    turn = {"value_si": [math.pi / 6] * 5, "unit_si": ["rad"] * 5, "side": ["left"] * 5}
    assert rewards.number_reward(angles, **turn) == [1.0, 0.0, 0.0, 1.0, 0.0]


def test_rows_without_a_truth_of_the_kind_give_none() -> None:
    said = ["Yes.", "2 m", "A"]
    mixed = {
        "answer_bool": [True, None, None],
        "value_si": [math.nan, 2.0, None],
        "choice": [None, None, 0],
        "options": [None, None, ["the cup", "the lamp"]],
    }
    assert rewards.relation_reward(said, **mixed) == [1.0, None, None]
    assert rewards.number_reward(said, **mixed) == [None, 1.0, None]
    assert rewards.choice_reward(said, **mixed) == [None, None, 1.0]
    assert rewards.format_reward(said, **mixed) == [1.0, 1.0, 1.0]
    assert rewards.number_reward(["0 m"], value_si=[0.0]) == [None]


def test_rows_from_pandas_have_nan_and_arrays(rooms: list[dict[str, Any]], tmp_path: Path) -> None:
    write_lake(tmp_path / "lake", rooms)
    rewards.write_prompts(str(tmp_path / "lake"), tmp_path / "prompts.parquet")
    frame = pd.read_parquet(tmp_path / "prompts.parquet")
    assert bool(frame["value_si"].isna().to_numpy().any())
    held = {name: frame[name].tolist() for name in frame}
    plain = columns(pq.read_table(tmp_path / "prompts.parquet").to_pylist())
    for function in (*rewards.ALL[:3], rewards.format_reward):
        assert function(held["answer"], **held) == function(plain["answer"], **plain)


def test_points_are_inside_or_not() -> None:
    said = ["(0.2, 0.5)", "[250, 500]", "x=0.9, y=0.5", "40 px, 50 px", "nowhere", "(0.5, 0.5)"]
    sizes = {"width": [200] * 6, "height": [100] * 6}
    inside = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    assert rewards.point_reward(said, polygon=[LEFT_HALF] * 6, **sizes) == inside
    assert rewards.point_reward(said, box=[[0, 0, 0.5, 1]] * 6, **sizes) == inside
    pixels = np.zeros((100, 200), np.uint8)
    pixels[:, :101] = 255
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    for mask in (Image.fromarray(pixels), held.getvalue(), {"bytes": held.getvalue(), "path": None}):
        assert rewards.point_reward(said, mask=[mask] * 6, **sizes) == inside
    image = Image.new("RGB", (200, 100))
    assert rewards.point_reward(said, polygon=[LEFT_HALF] * 6, image=[image] * 6) == inside
    assert rewards.point_reward(["(0.2, 0.5)"], polygon=[None], box=[None], mask=[None]) == [None]


@pytest.mark.parametrize(
    ("text", "truth", "reward"),
    [
        ("2 m", {"value_si": 5.0}, 1.0),
        ("2", {"value_si": 5.0}, 0.0),
        ("2 to 3 m", {"value_si": 5.0}, 0.0),
        ("It is 2 m wide and 5 m away.", {"value_si": 5.0}, 0.0),
        ("It is 2 m away. The room is large.", {"value_si": 5.0}, 0.0),
        ("<think>1 m? 2 m? 3 m.</think> 2 m", {"value_si": 5.0}, 1.0),
        ("No.", {"answer_bool": True}, 1.0),
        ("Maybe.", {"answer_bool": True}, 0.0),
        ("B", {"choice": 0, "options": ["the cup", "the lamp"], "answer_form": "letter"}, 1.0),
        ("(B)", {"choice": 0, "options": ["the cup", "the lamp"], "answer_form": "letter"}, 1.0),
        ("The lamp.", {"choice": 0, "options": ["the cup", "the lamp"], "answer_form": "letter"}, 0.0),
        ("The lamp.", {"choice": 0, "options": ["the cup", "the lamp"], "answer_form": "short"}, 1.0),
        ("(0.9, 0.9)", {"polygon": LEFT_HALF}, 1.0),
        ("(0.9, 0.9), (0.1, 0.1)", {"polygon": LEFT_HALF}, 0.0),
    ],
)
def test_form_does_not_ask_whether_it_is_right(text: str, truth: dict[str, Any], reward: float) -> None:
    assert rewards.format_reward([text], **{name: [value] for name, value in truth.items()}) == [reward]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(spatiallake.SpatialLakeError, match="no column value_si"):
        rewards.number_reward(["2 m"], question=["How far?"])
    with pytest.raises(spatiallake.SpatialLakeError, match="no column choice or answer_object_id"):
        rewards.choice_reward(["A"], options=[["a", "b"]])


def test_what_a_trainer_passes_besides_is_not_looked_at() -> None:
    more = {"trainer_state": object(), "log_extra": print, "log_metric": print, "completion_ids": [[1]], "other": [{}]}
    assert rewards.relation_reward(["Yes"], answer_bool=[True], **more) == [1.0]


@pytest.mark.parametrize("said", ["so ", "1 m or ", "((((", '{"a":', "therefore the cup ", "\\boxed{", "½"])
def test_endless_completions_are_read_at_their_end(said: str) -> None:
    given = {"value_si": [2.0], "answer_bool": [True], "choice": [0], "options": [["the cup", "the lamp"]]}
    for function in rewards.ALL[:3]:
        assert function([said * 2_000], **given)[0] in (0.0, 1.0, *(step / 10 for step in range(1, 10)))
    assert rewards.number_reward([said * 2_000 + "\nFinal answer: 2 m"], **given) == [1.0]


def test_prompts_have_the_questions_and_truths_of_the_lake(rooms: list[dict[str, Any]], tmp_path: Path) -> None:
    write_lake(tmp_path / "lake", rooms)
    out = tmp_path / "prompts.parquet"
    count = rewards.write_prompts(str(tmp_path / "lake"), out)
    rows = pq.read_table(out).to_pylist()
    truths = {answer["qa_id"]: answer for room in rooms for answer in room["answers"]}
    unsaid = {name for name, one in truths.items() if rewards.format_reward([""], **columns([one])) == [None]}
    assert 0 < len(unsaid) < count == len(rows)
    assert {row["qa_id"] for row in rows} == set(truths) - unsaid
    for row in rows:
        truth = truths[row["qa_id"]]
        assert row["prompt"] == [{"role": "user", "content": truth["question"]}]
        assert all(row[name] == truth[name] for name in ("answer_bool", "value_si", "options", "references", "side"))
        assert Image.open(io.BytesIO(row["image"]["bytes"])).size == (row["width"], row["height"])
    with pytest.raises(spatiallake.SpatialLakeError, match="no training examples of split test"):
        rewards.write_prompts(str(tmp_path / "lake"), out, split="test")


def test_every_function_is_listed() -> None:
    assert [one.__name__ for one in rewards.ALL] == [
        name for name in vars(rewards) if name.endswith("_reward") and not name.startswith("_")
    ]
