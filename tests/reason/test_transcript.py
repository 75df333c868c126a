"""Transcripts: written, read, replayed to the same end, and not asked twice."""

import json

import pytest

from tests.evaluation.chat_server import serving
from tests.reason.chat_planner import LIMITS, PLAN, QUESTION, planner, script
from tests.reason.rooms import ROOM, answers
from vlm.reason.answers import Reply
from vlm.reason.loop import ANSWERED, REFUSED, STOPPED, Known, Limits, reason
from vlm.reason.offline.planner import OfflinePlanner
from vlm.reason.planner import Task
from vlm.reason.replay import ReplayAnswers, ReplayPlanner
from vlm.reason.transcript import TranscriptUnreadable, read_transcript
from vlm.reason.values import Number

QUESTIONS = (
    QUESTION,
    "Which object is nearest to the object left of the lamp?",
    "Put the basket, the sofa and the lamp in order from left to right.",
    "Would the piano fit between the sofa and the table?",
)


def stored(question, path, found=None, limits=None):
    found = found or answers(ROOM, 0.01)
    made = reason(Task(question, found.names), OfflinePlanner(), found, limits)
    made.write(path)
    return made


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_transcript_is_read_as_it_was_written_and_replayed_to_the_same_end(question, tmp_path):
    made = stored(question, tmp_path / "t.jsonl")
    read = read_transcript(tmp_path / "t.jsonl")
    assert [(s.tool, s.arguments, s.value, s.fault) for s in read.steps] == [
        (s.tool, s.arguments, s.value, s.fault) for s in made.steps
    ]
    assert read.ending == made.ending
    replies = ReplayAnswers(read)
    again = reason(Task(question, replies.names), ReplayPlanner(read), replies)
    assert again.ending == made.ending
    assert [s.value for s in again.steps] == [s.value for s in made.steps]


def test_a_plan_is_replayed_with_new_answers(tmp_path):
    stored(QUESTION, tmp_path / "t.jsonl")
    read = read_transcript(tmp_path / "t.jsonl")
    vague = answers(ROOM, 0.3)
    made = reason(Task(QUESTION, vague.names), ReplayPlanner(read), vague)
    assert read.ending.state == ANSWERED and made.ending.state == REFUSED


def test_another_question_and_a_stopped_transcript_are_not_replayed_to_an_answer(tmp_path):
    made = stored(QUESTION, tmp_path / "t.jsonl", limits=Limits(steps=2))
    assert made.ending.state == STOPPED
    read = read_transcript(tmp_path / "t.jsonl")
    replies = ReplayAnswers(read)
    assert reason(Task(QUESTION, replies.names), ReplayPlanner(read), replies).ending == made.ending
    other = reason(Task("How tall is the sofa?", replies.names), ReplayPlanner(read), replies)
    assert other.ending.state == STOPPED and "another question" in other.ending.text


def test_calls_and_answers_that_are_stored_are_not_asked_again(tmp_path):
    found = answers(ROOM, 0.01)
    task = Task(QUESTION, found.names)
    with serving(script(PLAN)) as (url, requests):
        first = reason(task, planner(url), found, LIMITS)
        first.write(tmp_path / "t.jsonl")
        asked = len(requests)
        known = Known.of(read_transcript(tmp_path / "t.jsonl"))

        class Silent:
            names, identity = found.names, staticmethod(found.identity)

            def reply(self, query):
                raise AssertionError(f"{query} was asked again")

        second = reason(task, planner(url), Silent(), LIMITS, known)
        assert len(requests) == asked == 3
        vague = answers(ROOM, 0.3)
        reason(Task(QUESTION, vague.names), planner(url), vague, LIMITS, known)
    assert second.ending == first.ending and second.tokens == 0
    assert len(requests) > asked


def test_what_was_cut_off_is_left_out_and_what_is_no_transcript_is_refused(tmp_path):
    path = tmp_path / "t.jsonl"
    made = stored(QUESTION, path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    assert len(read_transcript(path).steps) == 2 and len(made.steps) > 2
    for damaged in (
        b"",
        b"[]\n[]\n",
        b'{"kind": "step"}\n',
        b"\xff\xfe\n{}\n",
        lines[0] + b'{"kind": "step"}\n' + lines[1],
    ):
        path.write_bytes(damaged)
        with pytest.raises(TranscriptUnreadable, match="transcript"):
            read_transcript(path)
    with pytest.raises(TranscriptUnreadable, match="cannot be read"):
        read_transcript(tmp_path / "none.jsonl")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", '"x"', "null"])
def test_numbers_that_are_none_are_refused(value, tmp_path):
    path = tmp_path / "t.jsonl"
    stored(QUESTION, path)
    lines = path.read_text().splitlines()
    row = json.loads(lines[3])
    assert row["value"]["kind"] == "number"
    text = json.dumps(row).replace(f'"value": {json.dumps(row["value"]["value"])}', f'"value": {value}')
    assert text != json.dumps(row)
    path.write_text("\n".join([*lines[:3], text, *lines[4:]]))
    try:
        read = read_transcript(path)
    except TranscriptUnreadable:
        return
    replies = ReplayAnswers(read)
    made = reason(Task(QUESTION, replies.names), ReplayPlanner(read), replies)
    assert made.ending.state == STOPPED or made.ending.state == REFUSED


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_an_answer_that_is_no_usable_number_is_none(value):
    found = answers(ROOM, 0.01)

    class Wild:
        names, identity = found.names, staticmethod(found.identity)

        def reply(self, query):
            made = found.reply(query)
            return Reply("wild", Number(value, (1, 0), {"x": 0.1})) if isinstance(made.value, Number) else made

    made = reason(Task(QUESTION, found.names), OfflinePlanner(), Wild())
    assert made.ending.state == REFUSED and made.ending.text == "The answer is no usable number."
