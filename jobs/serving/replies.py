"""What the server says, in OpenAI's shapes."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import JSONResponse


class Json(JSONResponse):
    """A response in JSON of ASCII alone: texts of clients may hold halves of characters, which no encoding has."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class Replies:
    """The documents of one answer: whole, or as chunks of a stream."""

    def __init__(self, model: str) -> None:
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}

    def whole(self, ended: Mapping[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the answer in one; `spatiallake` holds its steps and its value."""
        message = {"role": "assistant", "content": ended["text"], "refusal": None}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": _usage(ended),
            "spatiallake": {**ended, "chain": steps},
        }

    def begin(self) -> str:
        """Return the first chunk."""
        return self._chunk({"role": "assistant", "content": ""})

    def step(self, step: Mapping[str, Any]) -> str:
        """Return a step; clients that show how a model thinks show its text."""
        line = f"{step['result']} {step['tool']}({step['text']}): {step['outcome']}\n"
        return self._chunk({"reasoning_content": line}, spatiallake={"step": step})

    def end(self, ended: Mapping[str, Any], wants_usage: bool) -> Iterator[str]:
        """Yield the answer and the end of the stream."""
        yield self._chunk({"content": ended["text"]}, spatiallake={"end": ended})
        yield self._chunk({}, "stop")
        if wants_usage:
            yield event({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(ended)})
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return event({**self._head, "object": "chat.completion.chunk", "choices": [choice], **more})


def event(document: Any) -> str:
    """Return a document as an event of a stream."""
    return f"data: {json.dumps(document, allow_nan=False)}\n\n"


def models(model: str, created: int) -> dict[str, Any]:
    """Return the list of the one model."""
    return {
        "object": "list",
        "data": [{"id": model, "object": "model", "created": created, "owned_by": "spatiallake"}],
    }


def _usage(ended: Mapping[str, Any]) -> dict[str, int]:
    # Planners and models report one sum; geometry takes none.
    return {"prompt_tokens": 0, "completion_tokens": ended["tokens"], "total_tokens": ended["tokens"]}
