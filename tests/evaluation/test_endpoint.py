"""Models behind a real server on loopback: what they are sent, and every way in which they may fail."""

import json

import numpy as np
import pytest

from jobs.engine.errors import UsageError
from tests.evaluation.chat_questions import COUNT, looks, number_of, pixels, png, question, run, scores, write_questions
from tests.evaluation.chat_server import Reply, fails, says, serving
from vlm.evaluation.images import ItemImage
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import write_items


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    return write_questions(tmp_path_factory.mktemp("items") / "items.parquet")


def test_a_model_is_asked_whole_blanked_and_without_images(items, tmp_path):
    with serving(looks) as (url, requests):
        result = run(items, url, tmp_path, "--endpoint-key", "THE_KEY", key={"THE_KEY": "secret-1"})
    assert result.exit_code == 0, result.output
    assert len(requests) == 3 * COUNT
    assert {one.headers["Authorization"] for one in requests} == {"Bearer secret-1"}
    assert {(one.document["model"], one.document["temperature"]) for one in requests} == {("tiny", 0)}
    whole = [one for one in requests if one.images and one.images[0].std(axis=(0, 1)).max() > 0]
    blank = [one for one in requests if one.images and one.images[0].std(axis=(0, 1)).max() == 0]
    assert sorted(map(number_of, whole)) == sorted(map(number_of, blank)) == list(range(COUNT))
    for one in blank:
        (image,) = one.images
        assert image.shape == (20, 30, 3)
        assert np.abs(image[0, 0] - pixels(number_of(one)).mean(axis=(0, 1))).max() <= 0.5
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
            3: fails(400, "image too small"),
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
    assert "image too small" in reasons[3]
    assert "<html>" in reasons[5]
    assert "it took too long" in reasons[9]
    assert sum(number_of(one) == 1 for one in requests) == 2
    assert sum(number_of(one) == 3 for one in requests) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda request, before: fails(401, "bad key sk-1"), "rejects 'tiny' with status 401 (bad key sk-1)"),
        (lambda request, before: fails(404, "no such model"), "rejects 'tiny' with status 404 (no such model)"),
        (lambda request, before: fails(400, "no images"), "tiny answered none of its first"),
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


def test_a_model_that_needs_an_image_is_scored_without_the_row_of_text_alone(items, tmp_path):
    def needs_images(request, before):
        return looks(request, before) if request.images else fails(400, "an image is required")

    with serving(needs_images) as (url, _):
        result = run(items, url, tmp_path)
    assert result.exit_code == 0, result.output
    assert "Skipped tiny (text only)" in result.stderr
    assert "an image is required" in result.stderr
    assert list(scores(tmp_path))[:3] == ["tiny", "tiny (image blanked)", "majority per type"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--endpoint", "http://127.0.0.1:1"), "--endpoint needs --endpoint-model"),
        (("--endpoint-model", "tiny"), "--endpoint-model needs --endpoint"),
        (
            ("--endpoint", "http://127.0.0.1:1", "--endpoint-model", "tiny", "--endpoint-key", "NOT_SET"),
            "The environment variable NOT_SET named by --endpoint-key is not set",
        ),
        (("--model", "nobody/nothing"), "nobody/nothing is not a folder; a Hugging Face id needs --revision"),
    ],
)
def test_half_of_a_model_is_one_sentence(items, tmp_path, arguments, sentence):
    result = run(items, None, tmp_path, *arguments)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(sentence)


def test_answers_in_parts_and_images_of_other_formats(tmp_path):
    bmp = ItemImage(data=png(pixels(0), "BMP"))
    own = Item("b", 0, "spatiallake", Kind.BOOL, "Q01", question(0), "No.", Truth(yes=False), (bmp,))
    write_items("spatiallake", [own], tmp_path / "items.parquet")

    def in_parts(request, before):
        assert np.array_equal(request.images[0], pixels(0))
        return says([{"type": "text", "text": "No"}, {"type": "text", "text": ", it is not."}])

    with serving(in_parts) as (url, requests):
        result = run(tmp_path / "items.parquet", url, tmp_path, "--no-blind")
    assert result.exit_code == 0, result.output
    assert requests[0].urls[0].startswith("data:image/png;")
    assert scores(tmp_path)["tiny"]["overall"]["qualitative"]["value"] == 1.0


def test_neither_the_key_nor_credentials_of_the_address_are_told(items, tmp_path):
    with serving(lambda request, before: fails(401, "bad key secret-1")) as (url, _):
        address = url.replace("http://", "http://me:secret-2@")
        result = run(items, address, tmp_path, "--endpoint-key", "THE_KEY", key={"THE_KEY": "secret-1"})
    assert "rejects 'tiny' with status 401 (bad key (hidden))" in str(result.exception)
    assert "http://(hidden)@127.0.0.1" in str(result.exception)
    assert "secret" not in str(result.exception) + result.output
