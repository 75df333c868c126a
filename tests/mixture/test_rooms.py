"""General questions about rendered rooms: true, and no word gives its answer away."""

import itertools
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from scenes.colours import NAMED
from scenes.crawl import write_crawl
from vlm.examples import decoded
from vlm.mixture.general import llava_records
from vlm.mixture.mixture import Mixture
from vlm.mixture.rooms import Asked, RoomQuestionSettings, balanced, write_room_questions
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


KINDS = {"category", "color", "count", "existence", "place", "thing"}
KINDS |= {"order", "facts", "compared", "beside", "which", "whether"}
ASKED = {
    "category": r"What is the (.+) object\?",
    "color": r"What color is the (.+)\?",
    "count": r"How many things of the kind (.+) are in the picture\?",
    "existence": r"Is there a thing of the kind (.+) in the picture\?",
}


def turns_of(written: Path, split: str) -> list[tuple[str, str, str, str]]:
    """Every (image, kind, question, answer), from whichever entry it is in."""
    found = []
    for entry in json.loads((written / f"{split}.json").read_text()):
        said = [turn["value"].removeprefix("<image>\n") for turn in entry["conversations"]]
        kinds = entry["types"] if split == "train" else [entry["type"]]
        pairs = zip(kinds, said[::2], said[1::2], strict=True)
        found += [(entry["image"], kind, question, answer) for kind, question, answer in pairs]
    return found


def seen_at(row: dict[str, Any], center: Any, size: tuple[int, int] = (96, 72)) -> Any:
    lens = row["camera"]
    matrix = np.array([[lens["fx"], 0, lens["cx"]], [0, lens["fy"], lens["cy"]], [0, 0, 1]])
    seen = matrix @ np.array(center)
    return seen[:2] / seen[2] / size


def cell_seen(row: dict[str, Any], center: list[float]) -> str | None:
    column, line = np.floor(seen_at(row, center) * (9, 9)).astype(int)
    return f"column {column + 1}, row {line + 1}" if center[2] > 0 and 0 <= column < 9 and 0 <= line < 9 else None


def listed(row: dict[str, Any], question: str) -> str:
    """The first six things whose middle is in the picture, in the order that the question names."""
    frame = pd.DataFrame([one["box_3d"]["center"] for one in row["objects"]], columns=["right", "down", "ahead"])
    frame["caption"] = [one["captions"][0] for one in row["objects"]]
    frame["seen"] = [cell_seen(row, one["box_3d"]["center"]) is not None for one in row["objects"]]
    keys = {"left": frame.right / frame.ahead, "top": frame.down / frame.ahead}
    keys["near"] = (frame.right**2 + frame.down**2 + frame.ahead**2) ** 0.5
    start = re.search(r"from (\w+) to", question)[1]
    ends = {"right": "left", "bottom": "top", "far": "near"}
    order = keys[ends.get(start, start)][frame.seen].sort_values(ascending=start in keys).index
    return ", ".join(frame.caption[order[:6]])


def corners(one: dict[str, Any]) -> Any:
    """The corners of a thing's box in camera coordinates, (8, 3)."""
    box = one["box_3d"]
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    return np.array(box["center"]) + (signs * box["size"]) @ np.array(box["rotation"]).T


def measured(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Of the thing of that name: where it is in the picture, how far up, how far away, how wide and how high."""
    (own,) = [one for one in row["objects"] if name in (one["label"], one["captions"][0])]
    center, ends = np.array(own["box_3d"]["center"]), corners(own)
    width, height = np.ptp(ends[:, 0]), np.ptp(ends @ row["gravity"])
    across, _ = seen_at(row, center)
    away = np.linalg.norm(center)
    up = -center @ row["gravity"]
    return {"center": center, "across": across, "up": up, "away": away, "width": width, "height": height}


WORDS = {
    "across": ("right", "left"),
    "up": ("higher", "lower"),
    "away": ("farther", "nearer"),
    "width": ("wider", "narrower"),
    "height": ("taller", "shorter"),
}


def differs(way: str, here: float, there: float) -> str:
    more, less = WORDS[way]
    least = {"across": 0.03, "up": 0.05}
    difference = here - there if way in least else np.log(here / there)
    return (
        "same"
        if abs(difference) < least.get(way, np.log(1.05 if way == "away" else 1.1))
        else (less, more)[int(difference > 0)]
    )


def in_order(kind: str, row: dict[str, Any], question: str) -> str:
    """What the question names, in its order: with place and sizes, or next to the thing before."""
    said, before = [], None
    for name in re.findall(r"the ([a-z ]+?)(?:, (?:how)?| and (?=the )|\.$|\?$| one by one)", question):
        if name in ("one before it:", "one before it"):
            continue
        (own,) = [one for one in row["objects"] if name in (one["label"], one["captions"][0])]
        center, here = np.array(own["box_3d"]["center"]), measured(row, name)
        if kind == "facts":
            column, line = re.findall(r"\d+", cell_seen(row, center.tolist()))
            said.append(f"{name} {column} {line} {here['away']:.1f} {here['width']:.1f} {here['height']:.1f}")
        elif before is None:
            said.append(name)
        else:
            words = [differs(way, here[way], before[1][way]) for way in WORDS]
            said.append(" ".join([name, *words, f"{np.linalg.norm(center - before[0]):.1f}"]))
        before = center, here
    return ", ".join(said)


def of_two(row: dict[str, Any], question: str) -> str:
    """What the manifest says to a question about two things."""
    if " next to " in question:
        names = re.search(r"the ([a-z ]+) next to the ([a-z ]+?)(?: is\.|\?)", question).groups()
        one, other = (measured(row, name) for name in names)
        words = [differs(way, one[way], other[way]) for way in WORDS]
        apart = np.linalg.norm(one["center"] - other["center"])
        return " ".join([*words, f"{apart:.1f}"])
    way, names = asked_of_two(question)
    word = re.search(r"farther left|farther right|higher|lower|nearer|farther away", question)[0]
    word = {"farther away": "farther"}.get(word, word.removeprefix("farther "))
    first = differs(way, *(measured(row, name)[way] for name in names)) == word
    if question.startswith("Is "):
        return "Yes" if first else "No"
    return names[int(not first)]


def asked_of_two(question: str) -> tuple[str, list[str]]:
    """In which way two things are compared, and their names."""
    word = re.search(r"farther left|farther right|higher|lower|nearer|farther away", question)[0]
    way = {"farther away": "away", "nearer": "away", "higher": "up", "lower": "up"}.get(word, "across")
    return way, re.findall(r"the ([a-z ]+?)(?= farther| higher| lower| nearer| or | than|\?|\.)", question)[-2:]


def test_every_answer_is_what_the_manifest_says(crawl: Path, written: Path) -> None:
    rows = {row["image"]: row for row in map(json.loads, (crawl / "manifest.jsonl").read_text().splitlines())}
    asked = {split: turns_of(written, split) for split in ("train", "test")}
    assert not {one[0] for one in asked["train"]} & {one[0] for one in asked["test"]}
    assert {one[1] for one in asked["train"]} == KINDS
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
        elif kind in ("beside", "which", "whether"):
            right = [of_two(rows[image], question)]
        else:
            named = [one for one in things if re.search(rf"\b{one['label']}\b", question)]
            named = [one for one in named if len(one["label"]) == max(len(other["label"]) for other in named)]
            if len(named) > 1:
                named = [one for one in named if one["captions"][0] in question]
            right = [cell_seen(rows[image], one["box_3d"]["center"]) for one in named]
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


def test_a_picture_is_shown_once_for_several_questions(crawl: Path, written: Path) -> None:
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
    options = ["--crawl", str(crawl), "--out", str(again), "--turns", "3"]
    assert CliRunner().invoke(app, ["general", *options]).exit_code == 0
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
    write_crawl(str(tmp_path), count=120, seed=9, width=96, height=72)
    rows = {row["image"]: row for row in map(json.loads, (tmp_path / "manifest.jsonl").read_text().splitlines())}
    write_room_questions(str(tmp_path), str(tmp_path), RoomQuestionSettings(test_share=0))
    truths: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for image, own, question, _ in turns_of(tmp_path, "train"):
        if own == kind:
            way, names = asked_of_two(question)
            things = {
                name: one
                for name in names
                for one in rows[image]["objects"]
                if name in (one["label"], one["captions"][0])
            }
            first, second = sorted(names, key=lambda name: things[name]["label"])
            labels = (things[first]["label"], things[second]["label"])
            if labels[0] != labels[1]:
                here, there = (measured(rows[image], name)[way] for name in (first, second))
                truths[way, *labels][differs(way, here, there)] += 1
    assert len(truths) > 20
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
    assert decoded(example.picture or b"").shape == (72, 96, 3)
    assert "<image>" not in example.turns[0].question
