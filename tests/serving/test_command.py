"""The command `serve`: what it refuses, whom it lets in, what it ends, and how it ends."""

import json
import signal
import socket
import sys
from dataclasses import replace

import openai
import pytest
from typer.testing import CliRunner

from jobs.cli.options import app
from jobs.engine.errors import EnvironmentMissing, SpatialLakeError, UsageError
from jobs.serving.service import Scenes
from tests.evaluation.chat_server import says, serving
from tests.serving.bad_requests import Bad, document, send
from tests.serving.running import asks, served

TOKEN = "correct horse battery staple"


def run(*arguments):
    return CliRunner().invoke(app, ["serve", "--port", "0", *map(str, arguments)])


REFUSED = {
    ("--host", "0.0.0.0"): "--host 0.0.0.0 lets others in, which takes a token",
    ("--host", "::"): "lets others in",
    ("--host", "0.0.0.0", "--token", "NOT_SET"): "NOT_SET named by --token is not set",
    ("--answers", "nowhere"): "--answers nowhere is neither geometry, the URL of an endpoint",
    ("--answers", "http://127.0.0.1:9"): "needs --answers-model",
    ("--planner", "http://127.0.0.1:9"): "needs --planner-model",
    ("--max-requests", "0"): "requests 0 cannot be used",
    ("--max-seconds", "-1"): "seconds -1.0 cannot be used",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_used_is_one_sentence(arguments):
    done = run(*arguments)
    assert isinstance(done.exception, UsageError), done.output
    assert REFUSED[arguments] in str(done.exception) and "\n" not in str(done.exception)


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(app, ["serve", "--port", str(port)])
    assert isinstance(done.exception, SpatialLakeError) and f"--port {port} cannot be listened on" in str(
        done.exception
    )


def test_without_its_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for name in [one for one in sys.modules if one.startswith("jobs.serving")]:
        monkeypatch.delitem(sys.modules, name)
    done = run()
    assert isinstance(done.exception, EnvironmentMissing)
    assert "pip install 'spatiallake[serve]'" in str(done.exception)


def slow_when_asked_for_height(request, _):
    return replace(says("It is 0.9 m."), wait_s=40.0 if "tall" in request.prompt else 0.0)


def test_open_to_others_it_takes_a_token_and_kills_what_takes_too_long(room):
    with serving(slow_when_asked_for_height) as (endpoint, _):
        model = ("--answers", endpoint, "--answers-model", "tiny", "--workers", 2)
        options = ("--host", "0.0.0.0", "--token", "SERVED_TOKEN", "--max-seconds", 6)
        with served(*model, *options, environment={"SERVED_TOKEN": TOKEN}) as server:
            url = server.url.replace("0.0.0.0", "127.0.0.1")
            told = json.dumps(document(room.url)).encode()
            for given in (None, "Bearer wrong", TOKEN, "Bearer é"):
                headers = {"Content-Type": "application/json", **({"Authorization": given} if given else {})}
                answer = send(url, Bad("token", told, headers=headers))
                assert answer.status == 401 and answer.faults() == []
            assert send(url, Bad("page", path="/", method="GET", headers={})).status == 200
            first = {one.pid for one in server.workers()}
            with openai.OpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0, timeout=120) as client:
                with pytest.raises(openai.InternalServerError) as caught:
                    ask(client, room, "How tall is the armchair?")
                assert caught.value.status_code == 504 and "took over 6 s" in caught.value.body["message"]
                assert (
                    ask(client, room, "How wide is the armchair?")
                    == "The width of the armchair is 0.9 m, error unknown."
                )
            assert len({one.pid for one in server.workers()} & first) == 1
            workers = server.workers()
            assert server.ended(signal.SIGINT) == 0
            assert server.lines[-1] == "Stopped." and "Traceback" not in server.said
            assert not any(one.is_running() for one in workers)


def ask(client, room, question):
    found = client.chat.completions.create(model="tiny", messages=asks(question, room.url))
    return found.choices[0].message.content


def test_scenes_are_bounded_by_number_and_by_bytes():
    scenes = Scenes(max_count=3, max_bytes=100)
    for number in range(5):
        scenes.put(str(number), b"x" * 10)
        scenes.get("0")
    assert [scenes.get(str(number)) is not None for number in range(5)] == [True, False, False, True, True]
    scenes.put("large", b"x" * 95)
    assert len(scenes) == 1 and scenes.get("large") is not None
    scenes.put("large", b"x")
    scenes.put("a", b"x" * 90)
    assert len(scenes) == 2
