"""General questions about rendered rooms: true, and no word gives its answer away."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from scenes.colours import NAMED
from scenes.crawl import write_crawl
from vlm.examples import decoded
from vlm.mixture.general import llava_records
from vlm.mixture.mixture import Mixture
from vlm.mixture.rooms import Asked, balanced
from vlm.mixture.settings import StreamSettings
from vlm.mixture.streams import RecordStream


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), count=24, seed=8, width=96, height=72)
    return folder


@pytest.fixture(scope="module")
def written(crawl: Path) -> Path:
    done = CliRunner().invoke(app, ["general", "--crawl", str(crawl), "--out", str(crawl / "general")])
    assert done.exit_code == 0, done.output
    assert "train existence:" in done.output
    return crawl / "general"


def test_every_answer_is_what_the_manifest_says(crawl: Path, written: Path) -> None:
    rows = [json.loads(line) for line in (crawl / "manifest.jsonl").read_text().splitlines()]
    things = {row["image"]: [(o["label"], o["captions"][0].split()[0]) for o in row["objects"]] for row in rows}
    entries = {split: json.loads((written / f"{split}.json").read_text()) for split in ("train", "test")}
    assert not {e["image"] for e in entries["train"]} & {e["image"] for e in entries["test"]}
    kinds = Counter(entry["type"] for entry in entries["train"])
    assert kinds.keys() == {"category", "color", "count", "existence"}
    for entry in (*entries["train"], *entries["test"]):
        word, here = entry["id"].split("-", 1)[1], things[entry["image"]]
        question, answer = (turn["value"] for turn in entry["conversations"])
        assert word in question
        if entry["type"] == "category":
            assert [label for label, color in here if color == word] == [answer]
        elif entry["type"] == "color":
            assert answer in NAMED
            assert [color for label, color in here if label == word] == [answer]
        elif entry["type"] == "count":
            assert sum(label == word for label, _ in here) == int(answer)
        else:
            assert any(label == word for label, _ in here) == (answer == "Yes")


def test_no_word_has_one_answer_more_often_than_another(written: Path) -> None:
    by_word: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in json.loads((written / "train.json").read_text()):
        by_word[entry["id"]][entry["conversations"][1]["value"]] += 1
    for answers in by_word.values():
        (_, first), (_, second) = answers.most_common(2)
        assert first == second
    existence = sum((answers for word, answers in by_word.items() if word.startswith("existence")), Counter())
    assert existence["Yes"] == existence["No"] > 10


def test_balancing_keeps_as_many_as_the_second_answer_has() -> None:
    asked = [Asked("color", f"{n}", "lamp", color) for n, color in enumerate(["red"] * 5 + ["blue"] * 2 + ["green"])]
    asked += [Asked("color", f"{n}", "desk", "brown") for n in range(3)]
    assert Counter((one.word, one.answer) for one in balanced(asked, seed=0)) == {
        ("lamp", "red"): 2,
        ("lamp", "blue"): 2,
        ("lamp", "green"): 1,
    }


def test_the_questions_are_a_stream_like_any_other(crawl: Path, written: Path) -> None:
    settings = StreamSettings(name="rooms", kind="llava", uri=str(written / "train.json"), images=str(crawl))
    stream = RecordStream("rooms", llava_records(settings, len), seed=0)
    assert Mixture([stream], {"rooms": 1.0}).shares == {"rooms": 1.0}
    example = next(stream.examples([0]))
    assert decoded(example.picture or b"").shape == (72, 96, 3)
    assert "<image>" not in example.turns[0].question
