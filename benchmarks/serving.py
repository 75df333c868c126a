"""Times the server: the first answer for an image, later answers, and fifty at once.

`python -m benchmarks.serving --images 12` starts `spatiallake serve` with the built-in networks and asks about rendered
rooms of 640 x 480 through OpenAI's client: with exact depth and masks, then with the image alone. It prints wall times,
and the processor time of the server and its processes.
"""

import argparse
import base64
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import psutil

from benchmarks.processor import heading
from scenes.crawl import write_crawl

MODEL = "spatiallake-geometry"
AT_ONCE = 50
_URL = re.compile(r" on (http://\S+);")


@contextmanager
def served() -> Iterator[tuple[openai.OpenAI, psutil.Process]]:
    """Start a server on a free port; yield a client and the server's process."""
    command = [sys.executable, "-m", "spatiallake", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = next(match for line in server.stderr if (match := _URL.search(line)))
            with openai.OpenAI(base_url=f"{found[1]}/v1", api_key="none", max_retries=0) as client:
                yield client, psutil.Process(server.pid)
        finally:
            server.terminate()


def asked(client: openai.OpenAI, folder: Path, row: Mapping[str, Any], with_depth: bool) -> None:
    """Ask how far the first object of a room is from the second."""
    names = [one["captions"][0] if one.get("captions") else one["label"] for one in row["objects"]]
    text = f"How far is the {names[0]} from the {names[1]}?"
    content = [{"type": "image_url", "image_url": {"url": _url(folder / row["image"])}}, {"type": "text", "text": text}]
    known = {name: row[name] for name in ("objects", "camera", "gravity")}
    maps = {"depth": _url(folder / row["depth"]), "masks": _url(folder / row["instances"])}
    about = {**known, **maps} if with_depth else {}
    messages: Any = [{"role": "user", "content": content}]
    client.chat.completions.create(model=MODEL, messages=messages, extra_body={"spatiallake": about})


def timed(server: psutil.Process, calls: list[Callable[[], None]]) -> tuple[list[float], float]:
    """Return the wall seconds of each call, and the processor seconds of the server for each."""
    before, seconds = _processor_s(server), []
    for call in calls:
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds, (_processor_s(server) - before) / len(calls)


def _processor_s(server: psutil.Process) -> float:
    times = [one.cpu_times() for one in (server, *server.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def _url(path: Path) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _line(name: str, seconds: list[float], processor_s: float) -> str:
    median, slowest = statistics.median(seconds), max(seconds)
    return f"{name:44} {1000 * median:8.0f} ms median {1000 * slowest:8.0f} ms slowest {1000 * processor_s:8.0f} CPU-ms"


def main() -> None:
    """Render, serve, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    print(heading())
    with tempfile.TemporaryDirectory() as held, served() as (client, server):
        folder = Path(held)
        write_crawl(held, count=args.images, seed=args.seed, width=640, height=480)
        rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
        for with_depth, given in ((True, "depth and masks given"), (False, "image alone")):
            calls = [lambda row=row, full=with_depth: asked(client, folder, row, full) for row in rows]
            print(_line(f"first answer, {given}", *timed(server, calls)))
            print(_line(f"later answers, {given}", *timed(server, 3 * calls)))
            began = time.perf_counter()
            with ThreadPoolExecutor(AT_ONCE) as threads:
                list(threads.map(lambda call: call(), AT_ONCE * calls[:1]))
            print(f"{AT_ONCE} at once, {given}: {AT_ONCE / (time.perf_counter() - began):.0f} answers per second")


if __name__ == "__main__":
    main()
