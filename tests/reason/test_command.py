"""The command `reason` on a rendered room: what it prints, writes and refuses."""

import json

import pytest
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import ModelFailed, Unanswered, UsageError
from scenes.crawl import write_crawl
from tests.checks.tracked import ROOT
from tests.command import invoke
from tests.evaluation.chat_server import says, serving

QUESTION = "Which object is nearest to the armchair?"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A room with its image and the row of its manifest as a sidecar."""
    folder = tmp_path_factory.mktemp("rooms")
    write_crawl(str(folder), count=1, seed=11, width=320, height=240)
    row = json.loads((folder / "manifest.jsonl").read_text().splitlines()[0])
    (folder / "row.json").write_text(json.dumps(row))
    return folder / row["image"], folder / "row.json"


def run(*arguments):
    return CliRunner().invoke(app, ["reason", *map(str, arguments)])


def test_it_answers_writes_the_transcript_and_the_page_and_replays(room, tmp_path):
    image, sidecar = room
    page, transcript = tmp_path / "page.html", tmp_path / "t.jsonl"
    told = invoke("reason", image, QUESTION, "--sidecar", sidecar, "--page", page, "--transcript", transcript)
    assert told.startswith("The gray bookshelf (the distance between the armchair and the gray bookshelf is 0.0")
    lines = [json.loads(line) for line in transcript.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["question", *["step"] * (len(lines) - 2), "end"]
    html = page.read_text()
    assert html.count('<line class="under"') >= 2 and "r3: 0.0" in html and "<script" not in html
    assert invoke("reason", image, QUESTION, "--planner", transcript) == told
    as_json = json.loads(invoke("reason", image, QUESTION, "--planner", transcript, "--json"))
    assert as_json["state"] == "answered" and as_json["value"]["name"] == "the gray bookshelf"


def test_the_example_of_the_page_is_what_the_command_says(room):
    image, sidecar = room
    page = (ROOT / "docs" / "reasoning.md").read_text()
    question = next(line.strip(' "\\') for line in page.splitlines() if line.startswith('    "'))
    quoted = " ".join(line.removeprefix("> ") for line in page.splitlines() if line.startswith("> "))
    assert invoke("reason", image, question, "--sidecar", sidecar).strip() == quoted


def test_text_of_a_transcript_is_shown_as_text(room, tmp_path):
    image, _ = room
    question = "Is <script>alert(1)</script> near the armchair?"
    with serving(lambda *_: says("<img src=x onerror=alert(1)>")) as (url, _):
        page = tmp_path / "page.html"
        done = run(
            image, question, "--planner", url, "--planner-model", "tiny", "--answers", url, "--answers-model", "tiny",
            "--page", page,
        )  # fmt: skip
    assert isinstance(done.exception, ModelFailed) and "5 calls in a row" in str(done.exception)
    html = page.read_text()
    assert "<script" not in html and "<img" not in html and "&lt;img src=x" in html


REFUSED = {
    ("--planner", "http://127.0.0.1:9"): "--planner http://127.0.0.1:9 needs --planner-model",
    ("--planner", "http://127.0.0.1:9", "--planner-model", "m", "--planner-key", "NOT_SET"): "NOT_SET named by",
    ("--planner", "none.jsonl"): "none.jsonl cannot be read",
    ("--answers", "nowhere"): "--answers nowhere is neither geometry, the URL of an endpoint",
    ("--max-steps", "0"): "steps 0 cannot be used",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_used_is_one_sentence(arguments, room):
    image, sidecar = room
    done = run(image, QUESTION, "--sidecar", sidecar, *arguments)
    assert isinstance(done.exception, UsageError), done.output
    assert REFUSED[arguments] in str(done.exception) and "\n" not in str(done.exception)


def test_no_image_and_no_question_are_one_sentence(room, tmp_path):
    image, sidecar = room
    assert "is no file" in str(run(tmp_path / "none.jpg", QUESTION).exception)
    done = run(image, "Hello?", "--sidecar", sidecar)
    assert isinstance(done.exception, UsageError) and "reads no question" in str(done.exception)


def test_a_question_without_an_answer_ends_with_its_own_exit_code(room):
    image, sidecar = room
    done = run(image, "How far is the armchair from the unicorn?", "--sidecar", sidecar)
    assert done.exit_code == Unanswered.exit_code and "Nothing here is called" in done.stdout
