"""Planners behind a real server on loopback: plans that work, and every way in which they may not end by themselves."""

import json
import time

import pytest

from tests.evaluation.chat_server import Reply, fails, says, serving
from tests.reason.chat_planner import LIMITS, PLAN, QUESTION, calls, in_text, planner, results_of, script
from tests.reason.rooms import ROOM, answers
from vlm.reason.chatting import ChatPlanner, ChatPlannerSettings
from vlm.reason.loop import ANSWERED, REFUSED, STOPPED, Limits, reason
from vlm.reason.planner import Task


def ended(answer, question=QUESTION, limits=LIMITS, sigma_m=0.01, **more):
    """Return the transcript of a question whose planner is a server."""
    found = answers(ROOM, sigma_m)
    with serving(answer) as (url, requests):
        made = reason(Task(question, found.names), planner(url, **more), found, limits)
    return made, requests


def test_a_model_with_tool_calls_is_given_the_tools_and_typed_results():
    made, requests = ended(script(PLAN))
    assert made.ending.state == ANSWERED
    assert made.ending.text == (
        "Yes: it needs 1.0 m and the gap between the sofa and the table is 1.20 m, give or take 0.03 m."
    )
    assert [one["function"]["name"] for one in requests[0].document["tools"]] == [
        *("ask", "distance", "size", "relation", "locate", "arithmetic", "finish")
    ]
    assert json.loads(requests[0].document["messages"][1]["content"])["objects"] == list(ROOM)
    told = results_of(requests[2])
    assert told[0].keys() == {"result", "value", "unit", "standard_error"}
    assert told[1] == {"result": "r2", "answer": "yes"}


@pytest.mark.parametrize("around", ["{}", "Let me see.\n```json\n{}\n```", "I measure {} now, then {}"])
def test_a_server_without_tools_is_asked_for_json_in_its_text(around):
    def answer(request, before):
        if "tools" in request.document:
            return fails(400, "this model knows no tools")
        assert '"distance"' in request.document["messages"][0]["content"]
        return script(PLAN, lambda *call: in_text(*call, around=around))(request, before)

    made, _ = ended(answer)
    assert made.ending.state == ANSWERED and made.ending.text.startswith("Yes: it needs 1.0 m")


def test_a_model_is_told_of_a_bad_call_and_may_mend_it():
    plan = [("distance", {"a": "the sofa", "b": "the piano", "kind": "gap"}), *PLAN]
    plan[2] = ("arithmetic", {"expression": "fits(1.0 m, r2)"})
    plan[3] = ("finish", {"result": "r3"})
    made, requests = ended(script(plan))
    assert made.ending.state == ANSWERED
    assert 'Nothing here is called "the piano"; there is the sofa' in results_of(requests[1])[0]["error"]


def test_what_lies_within_the_error_is_refused_whatever_the_planner_says():
    made, _ = ended(script(PLAN), sigma_m=0.2)
    assert made.ending.state == REFUSED
    assert made.ending.text.startswith("It cannot be told, since the difference lies within the error: it needs 1.0 m")


def never_ends(request, before):
    return calls("distance", {"a": "the sofa", "b": "the lamp"})


def grows(request, before):
    return calls("distance", {"a": "the sofa", "b": "the lamp"}, tokens=1500)


HOSTILE = {
    "never ends": (never_ends, "had not finished after 12 steps"),
    "uses too many tokens": (grows, "4500 tokens, and 4000 are allowed"),
    "bad JSON": (lambda *_: calls("distance", '{"a": "the sofa", '), "4 calls in a row could not be used"),
    "no JSON at all": (lambda *_: says("I think it fits."), "4 calls in a row could not be used"),
    "no body": (lambda *_: Reply(body=b""), "4 calls in a row could not be used"),
    "HTML": (lambda *_: Reply(body=b"<html>"), "4 calls in a row could not be used"),
    "a list": (lambda *_: Reply(body=b"[1, 2]"), "4 calls in a row could not be used"),
    "deep JSON": (lambda *_: says('{"tool": ' + "[" * 15_000), "tokens, and 4000 are allowed"),
    "an unknown tool": (lambda *_: calls("run_python", {"code": "print(1)"}), "4 calls in a row could not be used"),
    "a tool of another name": (lambda *_: calls("__class__", {}), "4 calls in a row could not be used"),
    "arguments of another kind": (lambda *_: calls("distance", {"a": 1, "b": None}), "4 calls in a row"),
    "further arguments": (lambda *_: calls("locate", {"what": "the sofa", "then": "rm -rf"}), "4 calls in a row"),
    "a list of arguments": (lambda *_: calls("locate", "[1]"), "4 calls in a row could not be used"),
    "NaN": (lambda *_: calls("arithmetic", '{"expression": NaN}'), "4 calls in a row could not be used"),
    "infinity in an expression": (lambda *_: calls("arithmetic", {"expression": "1e999"}), "4 calls in a row"),
    "a huge number": (lambda *_: calls("arithmetic", {"expression": "9" * 390}), "4 calls in a row"),
    "a huge integer": (lambda *_: calls("locate", '{"what": ' + "9" * 3000 + "}"), "4 calls in a row"),
    "a huge expression": (lambda *_: calls("arithmetic", {"expression": "1+" * 1500 + "1"}), "4 calls in a row"),
    "code": (lambda *_: calls("arithmetic", {"expression": "__import__('os').system('id')"}), "4 calls in a row"),
    "no result": (lambda *_: calls("finish", {"result": "r99"}), "4 calls in a row could not be used"),
    "both ends": (lambda *_: calls("finish", {"result": "r1", "cannot": "no"}), "4 calls in a row"),
    "a bad key": (lambda *_: fails(401, "bad key"), "rejects 'tiny' with status 401 (bad key); check --planner"),
    "a broken server": (lambda *_: fails(500, "sorry"), "got status 500 (sorry)"),
    "a redirect": (lambda *_: Reply(302, headers={"Location": "http://127.0.0.1:9/"}), "with status 302"),
    "a huge response": (lambda *_: Reply(body=b" " * (1 << 19)), "more than 262144 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_planner_ends_within_its_limits_with_one_sentence(name, tmp_path):
    answer, sentence = HOSTILE[name]
    made, requests = ended(answer)
    assert made.ending.state == STOPPED
    assert sentence in made.ending.text
    assert "\n" not in made.ending.text and made.ending.text.endswith(".")
    assert len(made.steps) <= LIMITS.steps and len(requests) <= LIMITS.steps + 1
    made.write(tmp_path / "transcript.jsonl")
    assert (tmp_path / "transcript.jsonl").stat().st_size < 200_000
    for line in (tmp_path / "transcript.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "reply", [Reply(body=b"{}", wait_s=3.0), fails(429, "later", **{"Retry-After": "60"})], ids=["slow", "throttled"]
)
def test_retries_end_within_the_time_too(reply):
    found, begun = answers(ROOM, 0.01), time.monotonic()
    with serving(lambda *_: reply) as (url, requests):
        patient = ChatPlanner(ChatPlannerSettings(url=url, model="tiny", retries=5))
        made = reason(Task(QUESTION, found.names), patient, found, Limits(seconds=1.0))
    assert made.ending.state == STOPPED
    assert len(requests) <= 2
    assert sum(step.seconds for step in made.steps) < 2.0 and time.monotonic() - begun < 6.0


def test_a_slow_planner_ends_within_its_time():
    made, _ = ended(lambda *_: Reply(body=b"{}", wait_s=4.0), limits=Limits(seconds=0.5))
    assert made.ending.state == STOPPED and "it took too long" in made.ending.text


def test_nobody_at_the_endpoint_is_one_sentence():
    with serving(never_ends) as (url, _):
        pass
    found = answers(ROOM)
    made = reason(Task(QUESTION, found.names), planner(url), found, LIMITS)
    assert made.ending.state == STOPPED and "refused" in made.ending.text


def test_a_limit_on_cost_ends_it():
    made, _ = ended(grows, limits=Limits(cost=0.02, cost_per_million=10.0))
    assert made.ending.state == STOPPED and "it cost 0.03, and 0.02 is allowed" in made.ending.text


def test_the_image_is_sent_only_where_it_is_asked_for():
    from tests.evaluation.chat_questions import pixels, png

    found = answers(ROOM)
    for sees in (False, True):
        with serving(script(PLAN)) as (url, requests):
            task = Task(QUESTION, found.names, png(pixels(1)))
            reason(task, planner(url, sees_image=sees), found, LIMITS)
        content = requests[0].document["messages"][1]["content"]
        assert isinstance(content, list) == sees
