"""The command `ask`: what it prints, draws and refuses, and what it does not import."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import jobs.cli.options
from jobs.engine.errors import SpatialLakeError, Unanswered, UsageError
from scenes.crawl import write_crawl
from tests.checks.parsing import application

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered image with its sidecar `row.json`, and the parts of that in files of their own."""
    folder = tmp_path_factory.mktemp("ask")
    write_crawl(str(folder), 1, 7, width=320, height=240, rooms=("tabletop",))
    row = json.loads((folder / "manifest.jsonl").read_text())
    (folder / "row.json").write_text(json.dumps(row))
    (folder / "objects.json").write_text(json.dumps(row["objects"]))
    return folder


@pytest.fixture(scope="module")
def row(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "row.json").read_text())


def ask(*arguments: object) -> Result:
    application()
    return CliRunner().invoke(jobs.cli.options.app, ["ask", *map(str, arguments)])


def test_without_a_question_it_lists_the_objects_and_questions_that_have_answers(folder: Path, row: dict) -> None:
    told = ask(folder / row["image"], "--sidecar", folder / "row.json")
    assert told.exit_code == 0, told.output
    listed, asked = told.stdout.split("\n\nAsk, for example:\n")
    assert all("away" in line and "width × height × depth" in line for line in listed.splitlines())
    questions = asked.strip().splitlines()
    assert len(questions) == 5
    answered = ask(folder / row["image"], *questions, "--sidecar", folder / "row.json", "--json")
    assert all(answer["answered"] for answer in json.loads(answered.stdout)["answers"])


def test_one_question_is_answered_in_one_line_and_several_beside_their_questions(folder: Path, row: dict) -> None:
    question = f"How far is object {row['objects'][0]['id']} from the camera?"
    one = ask(folder / row["image"], question, "--sidecar", folder / "row.json").stdout
    two = ask(folder / row["image"], question, "How old is it?", "--sidecar", folder / "row.json").stdout
    assert one.count("\n") == 1
    assert two.startswith(f"{question}\n  {one}How old is it?\n")
    assert "no question that can be read" in two


def test_what_takes_several_measurements_is_taken_apart(folder: Path, row: dict) -> None:
    asked = (
        "How far is it from the lemon to the can and then to the monitor?",
        "How far is the lemon from the can?",
        "How far is the can from the monitor?",
        "Is the can on top of the monitor?",
    )
    told = json.loads(ask(folder / row["image"], *asked, "--sidecar", folder / "row.json", "--json").stdout)["answers"]
    assert told[0]["unit"] == "m" and told[0]["sigma"] > 0.0
    assert told[0]["value"] == pytest.approx(told[1]["value_si"] + told[2]["value_si"], rel=1e-6)
    assert told[3]["reason"] == "not_understood"


def test_a_question_without_an_answer_ends_with_its_own_exit_code(folder: Path, row: dict) -> None:
    known, unknown = f"How far is object {row['objects'][0]['id']}?", "How tall is the unicorn?"
    image, given = folder / row["image"], ("--sidecar", folder / "row.json")
    assert ask(image, known, *given).exit_code == 0
    some = ask(image, known, unknown, *given)
    assert some.exit_code == Unanswered.exit_code == 12
    assert ask(image, known, *given).stdout.strip() in some.stdout
    assert ask(image, unknown, *given, "--json").exit_code == 12


def test_parts_in_files_of_their_own_say_the_same_as_the_sidecar(folder: Path, row: dict) -> None:
    camera = ",".join(str(row["camera"][name]) for name in ("fx", "fy", "cx", "cy"))
    parts = ("--depth", folder / row["depth"], "--masks", folder / row["instances"], "--camera", camera)
    more = ("--objects", folder / "objects.json", "--gravity", ",".join(map(str, row["gravity"])))
    by_parts = ask(folder / row["image"], *parts, *more, "--json")
    by_sidecar = ask(folder / row["image"], "--sidecar", folder / "row.json", "--json")
    assert json.loads(by_parts.stdout) == json.loads(by_sidecar.stdout)
    assert "built-in" not in by_parts.stderr


def test_json_has_the_number_with_its_error_and_the_reason_of_what_is_not_answered(folder: Path, row: dict) -> None:
    questions = (f"How far is object {row['objects'][0]['id']} in inches?", "How tall is the unicorn?")
    told = json.loads(ask(folder / row["image"], *questions, "--sidecar", folder / "row.json", "--json").stdout)
    number, none = told["answers"]
    assert number["unit"] == "inches" and number["value"] == pytest.approx(number["value_si"] / 0.0254)
    assert number["interval"][0] < number["value"] < number["interval"][1]
    assert none["reason"] == "not_found" and not none["answered"]
    assert {one["object_id"] for one in told["objects"]} <= {one["id"] for one in row["objects"]}
    assert told["gravity"]["source"] == "imu" and told["errors"]["scale_rel"] == 0.0


def test_a_drawing_is_written(folder: Path, row: dict, tmp_path: Path) -> None:
    out = tmp_path / "drawn.jpg"
    assert ask(folder / row["image"], "--sidecar", folder / "row.json", "--draw", out).exit_code == 0
    with Image.open(out) as image:
        assert image.size == (320, 240)


def test_what_the_built_in_networks_know_is_said_where_they_are_used(folder: Path, row: dict) -> None:
    told = ask(folder / row["image"], "--depth", folder / row["depth"])
    assert "The built-in networks find what is not given (masks); they know rendered rooms only" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jpg"], "nowhere.jpg is no file"),
        (["IMAGE", "--depth", "nowhere.png"], "The depth nowhere.png is no file"),
        (["IMAGE", "--sidecar", "nowhere.json"], "nowhere.json cannot be read"),
        (["IMAGE", "--sidecar", "IMAGE"], "is no JSON"),
        (["IMAGE", "--objects", "ROW"], "has no list of objects"),
        (["IMAGE", "--camera", "1,2"], "is not 4 numbers"),
        (["IMAGE", "--camera", "1,2,3,x"], "is not 4 numbers"),
        (["IMAGE", "--gravity", "0,1"], "is not 3 numbers"),
        (["IMAGE", "--draw", "drawing.txt"], "is no name of a drawing"),
        (["IMAGE", "--draw", "no/such/folder/a.png"], "There is no folder"),
    ],
)
def test_mistakes_are_refused_before_anything_is_measured(
    folder: Path, row: dict, arguments: list[str], words: str
) -> None:
    places = {"IMAGE": str(folder / row["image"]), "ROW": str(folder / "row.json")}
    told = ask(*(places.get(one, one) for one in arguments))
    assert isinstance(told.exception, UsageError) and words in str(told.exception)
    assert "built-in" not in told.stderr


def test_what_is_no_image_is_refused(folder: Path) -> None:
    told = ask(folder / "row.json", "--sidecar", folder / "row.json")
    assert isinstance(told.exception, SpatialLakeError)
    assert "no image" in str(told.exception)


def test_an_image_with_depth_and_masks_is_asked_without_torch_or_pandas(folder: Path, row: dict) -> None:
    arguments = ["spatiallake", "ask", str(folder / row["image"]), "--sidecar", str(folder / "row.json")]
    code = (
        f"import runpy, sys; sys.argv = {arguments!r}\n"
        "try:\n    runpy.run_module('spatiallake', run_name='__main__')\n"
        "except SystemExit:\n    print('heavy:', *(name for name in ('torch', 'pandas') if name in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy:"
