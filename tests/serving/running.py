"""A real server in a process of its own, and what is sent to it."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import psutil

from tests.checks.tracked import ROOT

MODEL = "spatiallake-geometry"
_URL = re.compile(r" on (http://\S+);")
_START_S = 180
_END_S = 30


@dataclass
class Server:
    """A server that runs: its URL, what it printed so far, and its process."""

    url: str
    process: subprocess.Popen[str]
    lines: list[str] = field(repr=False)

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def workers(self) -> list[psutil.Process]:
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in found if "jobs.serving.worker" in " ".join(one.cmdline())]

    def memory_mb(self) -> float:
        alive = [psutil.Process(self.process.pid), *self.workers()]
        return sum(one.memory_info().rss for one in alive) / 2**20

    def ended(self, sign: int) -> int:
        self.process.send_signal(sign)
        return self.process.wait(_END_S)


def spatiallake(*arguments: object, environment: Mapping[str, str] | None = None, folder: Path = ROOT) -> Any:
    """Start the command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPATIALLAKE")}
    return subprocess.Popen(
        [sys.executable, "-m", "spatiallake", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path])), **(environment or {})},
    )


@contextmanager
def served(*arguments: object, environment: Mapping[str, str] | None = None, folder: Path = ROOT) -> Iterator[Server]:
    """Serve on a free port until the block ends."""
    with running("serve", "--port", 0, *arguments, environment=environment, folder=folder) as server:
        yield server


@contextmanager
def running(*arguments: object, environment: Mapping[str, str] | None = None, folder: Path = ROOT) -> Iterator[Server]:
    """Let a command serve until the block ends."""
    process = spatiallake(*arguments, environment=environment, folder=folder)
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        for line in process.stdout:
            lines.append(line.rstrip())
            if _URL.search(line):
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    try:
        assert ready.wait(_START_S), f"The server did not start: {lines}"
        found = next((match for line in lines if (match := _URL.search(line))), None)
        assert found is not None, f"The server ended: {lines}"
        yield Server(found[1], process, lines)
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@dataclass(frozen=True)
class Room:
    """A rendered room: its image file, and the row of its manifest with the exact truth."""

    folder: Path
    row: Mapping[str, Any]

    @property
    def image(self) -> Path:
        return self.folder / self.row["image"]

    @property
    def url(self) -> str:
        return data_url(self.image.read_bytes(), "image/jpeg")

    @property
    def about(self) -> dict[str, Any]:
        """What is known about it, as a request says it."""
        maps = {name: data_url((self.folder / self.row[key]).read_bytes()) for name, key in _MAPS.items()}
        return {**maps, **{name: self.row[name] for name in ("objects", "camera", "gravity")}}

    def size_m(self, label: str) -> list[float]:
        """The true size of the one object with a label: length, depth and height."""
        (found,) = [one for one in self.row["objects"] if one["label"] == label]
        return found["box_3d"]["size"]


_MAPS = {"depth": "depth", "masks": "instances"}


def rooms_of(folder: Path) -> list[Room]:
    return [Room(folder, json.loads(line)) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def client_of(server: Server) -> openai.OpenAI:
    """Return OpenAI's own client, which tries nothing twice."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120)


def asks(question: str, url: str) -> list[dict[str, Any]]:
    """Return the messages of a question about an image."""
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": question}]
    return [{"role": "user", "content": parts}]
