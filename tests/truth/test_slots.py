"""`spatiallake truth` on an expert whose faults are known: each fault shows in its own slot and in no other."""

# What these libraries accept is more than they declare.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from typer.testing import CliRunner

from jobs.cli.options import app
from scenes.crawl import write_crawl
from scenes.truth.answers import Answers
from scenes.truth.masks import spoken_of
from scenes.truth.measure import ExactScene
from tests.truth.flawed import CRAWL


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), count=8, seed=12, width=256, height=192)
    return folder


@pytest.fixture(scope="module")
def lines(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], dict]:
    profile = tmp_path_factory.mktemp("profile") / "flawed.yaml"
    family = "{family: tests.truth.flawed}"
    profile.write_text(f"filter: {family}\ncontext: {family}\ndepth: {family}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CRAWL, str(crawl))
        done = CliRunner().invoke(app, ["truth", "--crawl", str(crawl), "--experts", str(profile), "--json"])
    assert done.exit_code == 0, done.output
    printed = [json.loads(line) for line in done.output.splitlines()]
    return {tuple(line["slots"].values()): line for line in printed}


def test_each_slot_is_tried_in_turn_and_all_learned_comes_last(lines: dict) -> None:
    assert list(lines) == [
        ("true", "true", "true"),
        ("learned", "true", "true"),
        ("true", "learned", "true"),
        ("true", "true", "learned"),
        ("learned", "learned", "learned"),
    ]


def test_the_truth_is_right(lines: dict) -> None:
    exact = lines["true", "true", "true"]
    assert (exact["mask_recall_50"], exact["mask_precision_50"], exact["name_right"]) == (1.0, 1.0, 1.0)
    assert (exact["nouns_right"], exact["colors_right"]) == (1.0, 1.0)
    assert 0.85 <= exact["every_word_right"] < 1.0
    assert exact["depth_abs_rel"] == 0.0
    assert exact["gravity_median_deg"] < 0.01
    # Sizes are compared as seen, without the amodal boxes that exact ones come from: of 48 rooms, 95.0 % are within
    # 25 %, which is 0.91 for one of 25 samples of 150 numbers.
    assert exact["qualitative_right"] >= 0.97
    assert exact["within_25"] >= 0.91
    assert exact["answers_per_image"] > 20


def test_a_fault_of_depth_shows_in_depth_and_numbers(lines: dict) -> None:
    line = lines["true", "learned", "true"]
    assert line["depth_abs_rel"] == pytest.approx(0.1, abs=0.002)
    assert (line["mask_recall_50"], line["name_right"]) == (1.0, 1.0)
    assert line["within_25"] >= 0.9
    assert line["in_range_2"] >= 0.97


def test_missed_objects_show_in_recall_and_nowhere_else(lines: dict) -> None:
    line = lines["learned", "true", "true"]
    assert 0.5 < line["mask_recall_50"] < 1.0
    assert line["mask_precision_50"] == 1.0
    assert line["depth_abs_rel"] == 0.0
    assert line["qualitative_right"] >= 0.97
    assert line["answers_per_image"] <= lines["true", "true", "true"]["answers_per_image"]


def test_an_answer_about_what_is_not_there_is_wrong_in_its_own_family() -> None:
    answers = Answers()
    asked = {"object_ids": [1, 2], "answer_object_id": None, "value_si": 1.0, "sigma_si": 0.1}
    answers.add({**asked, "type_id": "Q01", "answer_kind": "bool"}, ExactScene({}, np.zeros(3), True), {})
    answers.add({**asked, "type_id": "N01", "answer_kind": "number"}, ExactScene({}, np.zeros(3), True), {})
    figures = answers.figures()
    assert (figures["qualitative"], figures["qualitative_right"]) == (1, 0.0)
    assert (figures["numbers"], figures["in_range_2"], figures["interval_80_coverage"]) == (1, 0.0, 0.0)


def test_a_folder_without_truth_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(b"not an image")
    done = CliRunner().invoke(app, ["truth", "--crawl", str(tmp_path), "--experts", "sensor"])
    assert done.exit_code != 0
    assert "manifest" in str(done.exception)


def region(rows: slice, columns: slice) -> dict:
    mask = np.zeros((20, 30), np.uint8, order="F")
    mask[rows, columns] = 1
    return {"rle": coco_mask.encode(mask)["counts"].decode("ascii")}


def test_a_part_speaks_of_its_object_and_what_is_mostly_beside_of_none() -> None:
    table, cup = region(slice(0, 10), slice(0, 20)), region(slice(12, 16), slice(22, 26))
    part, beside = region(slice(0, 4), slice(0, 20)), region(slice(8, 20), slice(0, 20))
    both = region(slice(0, 20), slice(0, 28))
    assert spoken_of([part, beside, cup, both], [cup, table], 20, 30) == {0: 1, 2: 0}
    assert spoken_of([], [cup], 20, 30) == {} == spoken_of([cup], [], 20, 30)


def without(crawl: Path, folder: Path, *names: str) -> Path:
    """Copy a crawl without some of what its rows and objects say."""
    shutil.copytree(crawl, folder)
    rows = [json.loads(line) for line in (crawl / "manifest.jsonl").read_text().splitlines()]
    for row in rows:
        for holder in (row, *row["objects"]):
            for name in names:
                holder.pop(name, None)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_images_without_boxes_show_perception_alone(crawl: Path, tmp_path: Path) -> None:
    bare = without(crawl, tmp_path / "bare", "box_3d", "gravity")
    done = CliRunner().invoke(app, ["truth", "--crawl", str(bare), "--limit", "2", "--json"])
    assert done.exit_code == 0, done.output
    line = json.loads(done.output.splitlines()[0])
    assert line["mask_recall_50"] == 1.0 and line["depth_abs_rel"] == 0.0
    assert line["gravity_median_deg"] is None and line["qualitative_right"] is None


def test_what_holds_no_truth_is_one_sentence(crawl: Path, tmp_path: Path) -> None:
    nothing = CliRunner().invoke(app, ["truth", "--crawl", str(tmp_path)])
    assert nothing.exit_code != 0 and "contains no manifest.jsonl" in str(nothing.exception)
    flat = without(crawl, tmp_path / "flat", "depth")
    undeep = CliRunner().invoke(app, ["truth", "--crawl", str(flat)])
    assert undeep.exit_code != 0 and "pass a crawl with ground truth" in str(undeep.exception)
