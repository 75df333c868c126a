"""Models behind a real server on loopback: what they are sent, and every way in which they may fail."""

import io
import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

import jobs.cli  # noqa: F401  registers the commands
from jobs.cli_options import app
from jobs.errors import UsageError
from tests.evaluation.chat_server import Reply, fails, says, serving
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.pictures import Picture
from vlm.evaluation.writers.registry import write_items

COUNT = 12


def pixels(number):
    return np.random.default_rng(number).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def png(array, form="PNG"):
    held = io.BytesIO()
    Image.fromarray(array).save(held, form)
    return held.getvalue()


def question(number):
    return f"Is thing {number} left of the other?"


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    made = [
        Item(
            item_id=f"i{number}",
            number=number,
            source="spatiallake",
            kind=Kind.BOOL,
            type_id="Q01",
            question=question(number),
            answer="Yes." if number % 2 else "No.",
            truth=Truth(yes=bool(number % 2)),
            pictures=(Picture(data=png(pixels(number))),),
            kinds=("cup", "jar"),
        )
        for number in range(COUNT)
    ]
    path = tmp_path_factory.mktemp("items") / "items.parquet"
    assert write_items("spatiallake", made, path) == []
    return path


def number_of(request):
    return next(number for number in range(COUNT) if question(number) == request.prompt)


def looks(request, before):
    """A model that knows the pictures apart, and says no to every other one."""
    number = number_of(request)
    seen = request.pictures and np.array_equal(request.pictures[0], pixels(number))
    return says("Yes." if seen and number % 2 else "No.")


def run(items, url, out, *more, key=None):
    arguments = ["evaluate", "--items", f"spatiallake:{items}", "--out", str(out), "--json"]
    if url:
        arguments += ["--endpoint", url, "--endpoint-model", "tiny"]
    return CliRunner().invoke(app, [*arguments, "--at-once", "4", *more], env=key or {})


def scores(out):
    return {one["model"]: one for one in json.loads((out / "scores.json").read_text())["models"]}


def test_a_model_is_asked_whole_blanked_and_without_pictures(items, tmp_path):
    with serving(looks) as (url, requests):
        result = run(items, url, tmp_path, "--endpoint-key", "THE_KEY", key={"THE_KEY": "secret-1"})
    assert result.exit_code == 0, result.output
    assert len(requests) == 3 * COUNT
    assert {one.headers["Authorization"] for one in requests} == {"Bearer secret-1"}
    assert {(one.document["model"], one.document["temperature"]) for one in requests} == {("tiny", 0)}
    whole = [one for one in requests if one.pictures and one.pictures[0].std(axis=(0, 1)).max() > 0]
    blank = [one for one in requests if one.pictures and one.pictures[0].std(axis=(0, 1)).max() == 0]
    assert sorted(map(number_of, whole)) == sorted(map(number_of, blank)) == list(range(COUNT))
    for one in blank:
        (picture,) = one.pictures
        assert picture.shape == (20, 30, 3)
        assert np.abs(picture[0, 0] - pixels(number_of(one)).mean(axis=(0, 1))).max() <= 0.5
    assert all(one.urls[0].startswith("data:image/png;base64,") for one in whole)

    found = scores(tmp_path)
    assert list(found)[:4] == ["tiny", "tiny (image blanked)", "tiny (text only)", "majority per type"]
    assert found["tiny"]["overall"]["left_right_accuracy"]["value"] == 1.0
    assert found["tiny (image blanked)"]["overall"]["qualitative"]["value"] == 0.5
    assert [one["seer"] for one in found.values()][:4] == [None, "tiny", "tiny", None]
    margin = json.loads(result.stdout.splitlines()[-1])["margins"][0]
    assert (margin["over"], margin["value"], margin["count"]) == ("tiny (image blanked)", 0.5, COUNT)
    assert "secret-1" not in result.output + (tmp_path / "predictions.jsonl").read_text()


def test_it_is_asked_again_after_it_was_told_to_wait_or_failed(items, tmp_path):
    def busy(request, before):
        first = {0: fails(429, "slow down", **{"Retry-After": "1"}), 1: fails(503, "overloaded"), 2: Reply(500)}
        return first[number_of(request)] if number_of(request) in first and not before else looks(request, before)

    with serving(busy) as (url, requests):
        result = run(items, url, tmp_path, "--no-blind")
    assert result.exit_code == 0, result.output
    assert len(requests) == COUNT + 3
    first, second = (one.at_s for one in requests if number_of(one) == 0)
    assert second - first >= 1.0
    assert scores(tmp_path)["tiny"]["overall"]["qualitative"]["value"] == 1.0


def test_an_item_that_fails_for_good_is_left_without_an_answer_and_the_others_go_on(items, tmp_path):
    def half_broken(request, before):
        broken = {
            1: Reply(500),
            3: fails(400, "picture too small"),
            5: Reply(body=b"<html>"),
            7: Reply(body=json.dumps({"choices": []}).encode()),
            9: Reply(wait_s=1.5),
        }
        return broken.get(number_of(request)) or looks(request, before)

    with serving(half_broken) as (url, requests):
        result = run(items, url, tmp_path, "--no-blind", "--retries", "1", "--timeout", "0.5")
    assert result.exit_code == 0, result.output
    found = scores(tmp_path)["tiny"]
    assert found["unanswered"] == 5
    assert found["overall"]["qualitative"]["value"] == pytest.approx((COUNT - 5) / COUNT)
    reasons = {one["row"]: one["reason"] for one in json.loads((tmp_path / "scores.json").read_text())["rejected"]}
    assert sorted(reasons) == [1, 3, 5, 7, 9]
    assert "status 500" in reasons[1]
    assert "picture too small" in reasons[3]
    assert "<html>" in reasons[5]
    assert "imed out" in reasons[9]
    assert sum(number_of(one) == 1 for one in requests) == 2
    assert sum(number_of(one) == 3 for one in requests) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda request, before: fails(401, "bad key sk-1"), "refuses 'tiny' with status 401 (bad key sk-1)"),
        (lambda request, before: fails(404, "no such model"), "refuses 'tiny' with status 404 (no such model)"),
        (lambda request, before: fails(400, "no pictures"), "tiny answered none of its first"),
    ],
)
def test_an_endpoint_that_answers_nothing_ends_in_one_sentence(items, tmp_path, answer, sentence):
    with serving(answer) as (url, requests):
        result = run(items, url, tmp_path)
    assert isinstance(result.exception, UsageError)
    assert sentence in str(result.exception)
    assert "\n" not in str(result.exception)
    assert len(requests) <= COUNT


def test_nobody_at_the_endpoint_is_one_sentence(items, tmp_path):
    with serving(looks) as (url, _):
        pass
    result = run(items, url, tmp_path, "--retries", "0")
    assert isinstance(result.exception, UsageError)
    assert "refused" in str(result.exception)


def test_a_model_that_needs_a_picture_is_scored_without_the_row_of_text_alone(items, tmp_path):
    def needs_pictures(request, before):
        return looks(request, before) if request.pictures else fails(400, "a picture is required")

    with serving(needs_pictures) as (url, _):
        result = run(items, url, tmp_path)
    assert result.exit_code == 0, result.output
    assert "tiny (text only) is left out" in result.stderr
    assert "a picture is required" in result.stderr
    assert list(scores(tmp_path))[:3] == ["tiny", "tiny (image blanked)", "majority per type"]


def test_an_evaluation_that_was_killed_goes_on_where_it_was(items, tmp_path):
    def slow(request, before):
        return replace(looks(request, before), wait_s=0.1)

    file = tmp_path / "a" / "predictions.jsonl"
    with serving(slow) as (url, requests):
        command = [
            sys.executable,
            "-m",
            "jobs.cli",
            "evaluate",
            "--items",
            f"spatiallake:{items}",
            "--out",
            file.parent,
        ]
        asked = ["--endpoint", url, "--endpoint-model", "tiny", "--at-once", "1"]
        process = subprocess.Popen([*map(str, command), *asked], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not file.exists() or file.read_bytes().count(b"\n") < COUNT + 3:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        kept = file.read_bytes()
        file.write_bytes(kept + b'{"model": "tiny (image bl')
        told, before_kill = kept.count(b"\n"), len(requests)
        time.sleep(0.2)  # what was under way when the process died ends at the server
        result = run(items, url, file.parent)
        assert result.exit_code == 0, result.output
        assert told < 2 * COUNT
        assert len(requests) - before_kill == 3 * COUNT - told
        assert run(items, url, tmp_path / "b").exit_code == 0
        assert run(items, url, file.parent).exit_code == 0
    assert len(requests) == before_kill + 3 * COUNT - told + 3 * COUNT
    rows = [pq.read_table(tmp_path / name / "predictions.parquet").to_pylist() for name in "ab"]
    assert rows[0] == rows[1]
    assert file.read_bytes().startswith(kept)
    assert file.read_bytes().count(b"\n") == 3 * COUNT


def test_answers_to_other_words_or_pictures_are_not_taken_for_answers_to_these(items, tmp_path):
    with serving(looks) as (url, requests):
        assert run(items, url, tmp_path, "--no-blind").exit_code == 0
        rows = pq.read_table(items).to_pylist()
        rows[0]["prompt"] = rows[0]["question"] = question(1)
        rows[2]["images"] = rows[3]["images"]
        pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(items)), tmp_path / "changed.parquet")
        assert run(tmp_path / "changed.parquet", url, tmp_path, "--no-blind").exit_code == 0
    assert sorted(map(number_of, requests[COUNT:])) == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--endpoint", "http://127.0.0.1:1"), "--endpoint needs --endpoint-model"),
        (("--endpoint-model", "tiny"), "--endpoint-model needs --endpoint"),
        (
            ("--endpoint", "http://127.0.0.1:1", "--endpoint-model", "tiny", "--endpoint-key", "NOT_SET"),
            "The environment variable NOT_SET of --endpoint-key is not set",
        ),
        (("--model", "nobody/nothing"), "nobody/nothing is no folder; as a Hugging Face id it needs --revision"),
    ],
)
def test_half_of_a_model_is_one_sentence(items, tmp_path, arguments, sentence):
    result = run(items, None, tmp_path, *arguments)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(sentence)


def test_answers_in_parts_and_pictures_of_other_formats(tmp_path):
    bmp = Picture(data=png(pixels(0), "BMP"))
    own = Item("b", 0, "spatiallake", Kind.BOOL, "Q01", question(0), "No.", Truth(yes=False), (bmp,))
    write_items("spatiallake", [own], tmp_path / "items.parquet")

    def in_parts(request, before):
        assert np.array_equal(request.pictures[0], pixels(0))
        return says([{"type": "text", "text": "No"}, {"type": "text", "text": ", it is not."}])

    with serving(in_parts) as (url, requests):
        result = run(tmp_path / "items.parquet", url, tmp_path, "--no-blind")
    assert result.exit_code == 0, result.output
    assert requests[0].urls[0].startswith("data:image/png;")
    assert scores(tmp_path)["tiny"]["overall"]["qualitative"]["value"] == 1.0
