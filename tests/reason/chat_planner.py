"""A chat server's side of a plan: reads the conversation as it was sent and says what a script wants."""

import json
from collections.abc import Callable
from typing import Any

from tests.evaluation.chat_server import Reply, Request
from vlm.reason.chatting import ChatPlanner, ChatPlannerSettings
from vlm.reason.loop import Limits

QUESTION = "Can a robot 1 m wide pass between the sofa and the table?"
PLAN = [
    ("distance", {"a": "the sofa", "b": "the table", "kind": "gap"}),
    ("arithmetic", {"expression": "fits(1.0 m, r1)"}),
    ("finish", {"result": "r2"}),
]
LIMITS = Limits(steps=12, seconds=60, tokens=4000, bad_calls=4)


def planner(url, **more):
    return ChatPlanner(ChatPlannerSettings(url=url, model="tiny", retries=0, timeout_s=3, **more))


Call = tuple[str, dict[str, Any]]


def results_of(request: Request) -> list[dict[str, Any]]:
    """Return what the planner was told after each of its calls."""
    messages = request.document["messages"][2:]
    return [json.loads(one["content"]) for one in messages if one["role"] in ("tool", "user")]


def calls(name: str, arguments: Any, tokens: int | None = None) -> Reply:
    """Return a reply that calls a tool."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "x", "type": "function", "function": function}],
    }
    usage = {} if tokens is None else {"usage": {"total_tokens": tokens}}
    return Reply(body=json.dumps({"choices": [{"message": message}], **usage}).encode())


def in_text(name: str, arguments: Any, around: str = "{}") -> Reply:
    """Return a reply that writes its call as JSON into its text."""
    content = around.replace("{}", json.dumps({"tool": name, "arguments": arguments}))
    return Reply(body=json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode())


def script(plan: list[Call], reply: Callable[[str, Any], Reply] = calls) -> Callable[[Request, int], Reply]:
    """Return a server that makes the calls of a plan, one after each result."""

    def answer(request: Request, before: int) -> Reply:
        return reply(*plan[len(results_of(request))])

    return answer
