"""A real server on loopback that speaks chat/completions and fails in the ways that such servers do."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image


@dataclass
class Reply:
    """What the server sends: a status, a body, headers, and how long it waits before it does."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0


@dataclass
class Request:
    """One request: when it came, its headers, the model, the words asked and the pixels of its images."""

    at_s: float
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def parts(self) -> list[dict[str, Any]]:
        return self.document["messages"][0]["content"]

    @property
    def prompt(self) -> str:
        return next(part["text"] for part in self.parts if part["type"] == "text")

    @property
    def urls(self) -> list[str]:
        return [part["image_url"]["url"] for part in self.parts if part["type"] == "image_url"]

    @property
    def images(self) -> list[np.ndarray]:
        encoded = [base64.b64decode(url.partition(",")[2]) for url in self.urls]
        return [np.asarray(Image.open(io.BytesIO(one)).convert("RGB")) for one in encoded]


def says(text: Any) -> Reply:
    """Return a reply whose message says something."""
    document = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return Reply(body=json.dumps(document).encode())


def fails(status: int, message: str, **headers: str) -> Reply:
    """Return a failure as such servers word it."""
    return Reply(status, json.dumps({"error": {"message": message}}).encode(), headers)


@contextmanager
def serving(answer: Callable[[Request, int], Reply]) -> Iterator[tuple[str, list[Request]]]:
    """Serve `answer(request, how many of this prompt came before)`; yield the URL and the requests so far."""
    requests: list[Request] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request = Request(time.monotonic(), dict(self.headers), document)
            with lock:
                before = sum(one.document["messages"] == document["messages"] for one in requests)
                requests.append(request)
            reply = answer(request, before) if self.path == "/v1/chat/completions" else fails(404, "no such path")
            time.sleep(reply.wait_s)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *args):
            pass

        def handle(self):
            with suppress(BrokenPipeError, ConnectionResetError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", requests
    finally:
        server.shutdown()
        server.server_close()
