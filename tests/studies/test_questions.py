"""General questions about rendered rooms: true, and no word gives its answer away."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from scenes.colors import NAMED
from scenes.crawl import write_crawl
from studies.claims.questions.general import Asked, RoomQuestionSettings, balanced, write_room_questions
from tests.studies.room_answers import (
    WORDS,
    asked_of_two,
    called,
    cell_seen,
    differs,
    in_order,
    length_of,
    listed,
    measured,
    of_two,
    turns_of,
)
from vlm.examples import decoded
from vlm.mixture.general import llava_records
from vlm.mixture.mixture import Mixture
from vlm.mixture.settings import StreamSettings
from vlm.mixture.streams import RecordStream


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), count=40, seed=8, width=96, height=72)
    return folder


@pytest.fixture(scope="module")
def written(crawl: Path) -> Path:
    out = crawl / "general"
    command = [sys.executable, "-m", "studies.claims.questions", "--crawl", str(crawl), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "train existence:" in done.stdout
    return out


KINDS = {"category", "color", "count", "existence", "place", "thing"}
KINDS |= {"order", "facts", "compared", "beside", "which", "whether", "letter"}
LENGTHS = {"distance", "size", "apart", "gap", "difference", "times"}
ASKED = {
    "category": r"What is the (.+) object\?",
    "color": r"What color is the (.+)\?",
    "count": r"How many things of the kind (.+) are in the picture\?",
    "existence": r"Is there a thing of the kind (.+) in the picture\?",
}


def test_every_answer_is_what_the_manifest_says(crawl: Path, written: Path) -> None:
    rows = {row["image"]: row for row in map(json.loads, (crawl / "manifest.jsonl").read_text().splitlines())}
    asked = {split: turns_of(written, split) for split in ("train", "test")}
    assert not {one[0] for one in asked["train"]} & {one[0] for one in asked["test"]}
    assert {one[1] for one in asked["train"]} == KINDS | LENGTHS
    assert "letter" not in {one[1] for one in asked["test"]}
    for image, kind, question, answer in (*asked["train"], *asked["test"]):
        things = rows[image]["objects"]
        if kind in ASKED:
            word = re.fullmatch(ASKED[kind], question)[1]
            here = [(one["label"], one["captions"][0].split()[0]) for one in things]
            right = {
                "category": [label for label, color in here if color == word],
                "color": [color for label, color in here if label == word],
                "count": [str(sum(label == word for label, _ in here))],
                "existence": ["Yes" if any(label == word for label, _ in here) else "No"],
            }[kind]
        elif kind == "thing":
            cell = re.search(r"column \d+, row \d+", question)[0]
            right = [one["captions"][0] for one in things if cell_seen(rows[image], one["box_3d"]["center"]) == cell]
        elif kind == "order":
            right = [listed(rows[image], question)]
        elif kind in ("facts", "compared"):
            right = [in_order(kind, rows[image], question)]
        elif kind in ("beside", "which", "whether", "letter"):
            right = [of_two(rows[image], question)]
        elif kind in LENGTHS:
            right = [length_of(rows[image], kind, question)]
        else:
            name = re.fullmatch(r".*\bthe ([a-z ]+?)(?: in)?[.?]", question)[1]
            right = [cell_seen(rows[image], called(rows[image], name)["box_3d"]["center"])]
        assert right == [answer], (image, question)
        assert kind != "color" or answer in NAMED


def test_places_are_where_things_are_seen(crawl: Path, written: Path) -> None:
    rows = {row["image"]: row for row in map(json.loads, (crawl / "manifest.jsonl").read_text().splitlines())}
    near = []
    for image, kind, question, answer in turns_of(written, "train"):
        caption = answer if kind == "thing" else ""
        own = [one for one in rows[image]["objects"] if one["captions"][0] == caption]
        if len(own) == 1:
            mask = cv2.imread(str(crawl / rows[image]["instances"]), cv2.IMREAD_UNCHANGED) == own[0]["id"]
            column, line = map(int, re.search(r"column (\d+), row (\d+)", question).groups())
            down, across = np.argwhere(mask).mean(0) / mask.shape * (9, 9) + 0.5
            near.append(max(abs(across - column), abs(down - line)) < 2)
    assert len(near) > 20
    assert np.mean(near) > 0.8


def test_an_unsound_box_leaves_out_its_own_place_and_lengths_alone(crawl: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(crawl, tmp_path / "rooms"))
    rows = [json.loads(line) for line in (crawl / "manifest.jsonl").read_text().splitlines()]
    for row in rows:
        for one in row["objects"]:
            one["box_3d"]["rotation"] = np.ravel(one["box_3d"]["rotation"]).tolist()
    spoiled = max(rows, key=lambda row: len(row["objects"]))
    spoiled["objects"][0].update(label="gong", captions=["red gong"])
    spoiled["objects"][0]["box_3d"]["size"][1] = 0.0
    (copied / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_room_questions(str(copied), str(copied), RoomQuestionSettings(test_share=0))
    asked = [one for one in turns_of(copied, "train") if one[0] == spoiled["image"]]
    assert {kind for _, kind, *_ in asked} >= LENGTHS
    assert {kind for _, kind, question, answer in asked if "gong" in question + answer} <= set(ASKED)


def test_an_image_is_shown_once_for_several_questions(crawl: Path, written: Path) -> None:
    entries = json.loads((written / "train.json").read_text())
    by_image: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        shown = [turn["value"].startswith("<image>") for turn in entry["conversations"]]
        assert shown == [True] + [False] * (len(shown) - 1)
        by_image[entry["image"]].append(len(entry["types"]))
    assert all(max(sizes) <= 8 and sum(size < 8 for size in sizes) <= 1 for sizes in by_image.values())
    # Kinds are mixed within an entry.
    assert any(entry["types"] != sorted(entry["types"]) for entry in entries)
    test = json.loads((written / "test.json").read_text())
    assert len({entry["id"] for entry in test}) == len(test) == len(turns_of(written, "test"))
    wordings = Counter(
        re.sub(r"column \d+, row \d+", "", one[2]) for one in turns_of(written, "train") if one[1] == "thing"
    )
    assert len(wordings) >= 4
    again = written / "again"
    write_room_questions(str(crawl), str(again), RoomQuestionSettings(turns=3))
    assert (again / "test.json").read_bytes() == (written / "test.json").read_bytes()
    assert max(len(entry["types"]) for entry in json.loads((again / "train.json").read_text())) == 3


def test_no_word_has_one_answer_more_often_than_another(written: Path) -> None:
    by_word: dict[str, Counter[str]] = defaultdict(Counter)
    for _, kind, question, answer in turns_of(written, "train"):
        if kind in ASKED:
            by_word[f"{kind} {question}"][answer] += 1
    for answers in by_word.values():
        (_, first), (_, second) = answers.most_common(2)
        assert first == second
    existence = sum((answers for word, answers in by_word.items() if word.startswith("existence")), Counter())
    assert existence["Yes"] == existence["No"] > 10


@pytest.mark.parametrize("kind", ["which", "whether"])
def test_no_two_nouns_have_one_relation_more_often_than_its_opposite(tmp_path: Path, kind: str) -> None:
    write_crawl(str(tmp_path), count=200, seed=9, width=96, height=72)
    rows = {row["image"]: row for row in map(json.loads, (tmp_path / "manifest.jsonl").read_text().splitlines())}
    write_room_questions(str(tmp_path), str(tmp_path), RoomQuestionSettings(test_share=0))
    truths: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for image, own, question, _ in turns_of(tmp_path, "train"):
        if own == kind:
            way, _, names = asked_of_two(rows[image], question)
            things = {name: called(rows[image], name) for name in names}
            first, second = sorted(names, key=lambda name: things[name]["label"])
            labels = (things[first]["label"], things[second]["label"])
            if labels[0] != labels[1]:
                here, there = (measured(rows[image], name)[way] for name in (first, second))
                truths[way, *labels][differs(way, here, there)] += 1
    assert len(truths) > 20
    assert {way for way, *_ in truths} == set(WORDS)
    for said in truths.values():
        (_, often), (_, other) = said.most_common(2)
        assert often == other


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
    assert decoded(example.image or b"").shape == (72, 96, 3)
    assert "<image>" not in example.turns[0].question
