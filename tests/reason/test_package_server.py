"""A chat server that others wrote, on loopback: the one of transformers, with a model that talks nonsense."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.model.tiny import write_decoder
from tests.reason.chat_planner import QUESTION
from tests.reason.rooms import ROOM, answers
from vlm.reason.chatting import ChatPlanner, ChatPlannerSettings
from vlm.reason.loop import STOPPED, Limits, reason
from vlm.reason.planner import Task

pytest.importorskip("fastapi", reason="the server of transformers needs it")
pytestmark = pytest.mark.long
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for p in m['content'] %}{{ p['text'] }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Serve a tiny random model; yield the URL and the model's name there."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    model = write_decoder(folder / "tiny", "qwen", TEMPLATE)
    command = [str(Path(sys.executable).parent / "transformers"), "serve", "--device", "cpu", "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(url: str) -> None:
    for _ in range(240):
        try:
            if urllib3.request("GET", url, retries=False, timeout=2.0).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError(url)


@pytest.mark.parametrize("tools", ["auto", "text"])
def test_nonsense_of_a_real_server_ends_within_the_limits(served: tuple[str, str], tools: str) -> None:
    url, model = served
    found, limits = answers(ROOM, 0.01), Limits(steps=12, seconds=120, tokens=50_000, bad_calls=3)
    settings = ChatPlannerSettings(url=url, model=model, tools=tools, max_new_tokens=24)
    made = reason(Task(QUESTION, found.names), ChatPlanner(settings), found, limits)
    assert made.ending is not None and made.ending.state == STOPPED
    assert made.ending.text.count(".") == 1
    assert len(made.steps) == limits.bad_calls and all(step.fault and step.said for step in made.steps)


def test_a_model_that_the_server_does_not_have_is_named(served: tuple[str, str]) -> None:
    settings = ChatPlannerSettings(url=served[0], model="/nowhere/model", retries=0)
    found = answers(ROOM, 0.01)
    made = reason(Task(QUESTION, found.names), ChatPlanner(settings), found, Limits(seconds=60))
    assert made.ending is not None and made.ending.state == STOPPED
    assert "status" in made.ending.text
