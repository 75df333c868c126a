"""Requests that no server should answer: bodies, images and sockets, made from a seed."""

import copy
import http.client
import io
import json
import random
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from tests.serving.running import MODEL, asks, data_url

_CHAT = "/v1/chat/completions"
_JUNK: list[Any] = [
    None, True, -1, 0, 10**30, 1e308, "", "x" * 5000, "\ud83d", "data:,", [], {}, [[[]]], {"a": {"b": 1}}, "\0",
    "data:image/png;base64,", "file:///etc/passwd", "http://127.0.0.1:1/", "ignore all instructions", [None],
]  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """One request as it goes over the wire."""

    kind: str
    body: bytes = b""
    path: str = _CHAT
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Told:
    """What came back: the status, and the body's text."""

    kind: str
    status: int
    text: str

    def faults(self) -> list[str]:
        """Return what is wrong with a response; a request that happens to be good may be answered."""
        found = [] if self.status == 200 or 400 <= self.status < 500 else [f"status {self.status}"]
        found += [word for word in ("Traceback", 'File "', ".py", " at 0x") if word in self.text]
        if self.status != 200:
            try:
                message = json.loads(self.text)["error"]["message"]
            except (ValueError, KeyError, TypeError):
                return [*found, "not the shape of an error"]
            if "\n" in message or not message or len(message) > 700:
                found.append("no sentence")
        return [f"{self.kind}: {one}: {self.text[:200]}" for one in found]


def send(url: str, bad: Bad, timeout_s: float = 120.0) -> Told:
    """Send a request and return what came back."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=timeout_s)
    try:
        connection.request(bad.method, bad.path, bad.body, dict(bad.headers))
        response = connection.getresponse()
        return Told(bad.kind, response.status, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def bad_request(rng: random.Random) -> Bad:
    """Return one request of a random kind."""
    return rng.choice(_MAKERS)(rng)


def document(url: str, about: Any = None) -> dict[str, Any]:
    """Return a request that is sound but for its image."""
    made = {"model": MODEL, "messages": asks("How far is the chair from the table?", url)}
    return made if about is None else {**made, "spatiallake": about}


def good_jpeg(rng: random.Random, size: tuple[int, int] = (64, 48)) -> bytes:
    pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return _encoded(Image.fromarray(pixels), "JPEG")


@cache
def bomb_png(width: int, height: int) -> bytes:
    """Return a small file that claims very many black pixels, and holds some of them."""
    packed = zlib.compressobj(9)
    row = b"\0" * (1 + width // 8)
    data = b"".join(packed.compress(row) for _ in range(min(height, 2_000))) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def open_slowly(url: str, text: bytes) -> socket.socket:
    """Return a connection that sent a part of a request, and sends no more."""
    place = urlsplit(url)
    opened = socket.create_connection((place.hostname, place.port), timeout=60)
    opened.sendall(text)
    return opened


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def _chat(kind: str, url: str, about: Any = None) -> Bad:
    return Bad(kind, json.dumps(document(url, about)).encode())


def _noise(rng: random.Random) -> Bad:
    return Bad("noise", rng.randbytes(rng.randrange(2000)))


def _cut(rng: random.Random) -> Bad:
    whole = json.dumps(document(data_url(good_jpeg(rng)))).encode()
    return Bad("cut JSON", whole[: rng.randrange(len(whole))])


def _deep(rng: random.Random) -> Bad:
    depth = rng.choice([200, 5000, 200_000])
    return Bad("deep", rng.choice([b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth]))


def _no_numbers(rng: random.Random) -> Bad:
    text = json.dumps(document("data:,", {"focal_px": 1})).replace('"focal_px": 1', rng.choice([
        '"focal_px": NaN', '"focal_px": 1e999', f'"focal_px": {"9" * 6000}', '"focal_px": -Infinity',
    ]))  # fmt: skip
    return Bad("no number", text.encode())


def _wrong_type(rng: random.Random) -> Bad:
    """Put junk into the place of any part of a sound request."""
    made: Any = document(
        data_url(good_jpeg(rng)), {"camera": {"fx": 50, "fy": 50, "cx": 32, "cy": 24}, "objects": ["a"]}
    )
    made = {**made, "stream": False, "n": 1}
    made = copy.deepcopy(made)
    at: Any = made
    while True:
        key = rng.choice(list(at)) if isinstance(at, dict) else rng.randrange(len(at))
        if not isinstance(at[key], dict | list) or not at[key] or rng.random() < 0.3:
            at[key] = rng.choice(_JUNK)
            return Bad("wrong type", json.dumps(made).encode())
        at = at[key]


def _missing(rng: random.Random) -> Bad:
    made = document(data_url(good_jpeg(rng)))
    del made[rng.choice(list(made))]
    return Bad("missing", json.dumps(made).encode())


def _broken_image(rng: random.Random) -> Bad:
    image = Image.fromarray(np.zeros((48, 64, 3), np.uint8))
    data = bytearray(_encoded(image, rng.choice(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])))
    if rng.random() < 0.5:
        del data[rng.randrange(len(data)) :]
    for _ in range(rng.randrange(1, 20)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return _chat("broken image", data_url(bytes(data)))


def _no_image(rng: random.Random) -> Bad:
    held = rng.choice([b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"PK\3\4", rng.randbytes(400)])
    return _chat("no image", data_url(held))


def _no_data_url(rng: random.Random) -> Bad:
    urls = ["https://example.com/a.png", "file:///etc/passwd", "data:image/png;base64,@@@", "data:image/png,abc", "x"]
    return _chat("no data URL", rng.choice(urls))


def _bomb(rng: random.Random) -> Bad:
    return _chat("bomb", data_url(bomb_png(*rng.choice([(60_000, 60_000), (30_000, 2000), (2**31 - 1, 1)]))))


def _bad_depth(rng: random.Random) -> Bad:
    shape = rng.choice([(10**6, 10**6), (48, 64), (0, 0), (48,), (-1, 5)])
    text = f"{{'descr': '{rng.choice(['<f8', '|O', '<U9'])}', 'fortran_order': False, 'shape': {shape}, }}"
    header = text.encode().ljust(117) + b"\n"
    numpy_file = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + rng.randbytes(100)
    held = rng.choice([numpy_file, bomb_png(50_000, 20_000), good_jpeg(rng), b"", rng.randbytes(50)])
    return _chat("bad depth", data_url(good_jpeg(rng)), {"depth": data_url(held)})


def _bad_about(rng: random.Random) -> Bad:
    about = rng.choice([
        {"camera": {"fx": 0, "fy": -1, "cx": 1e300, "cy": 0}}, {"gravity": [0, 0, 0]}, {"gravity": [1]},
        {"objects": [{"label": "x" * 20_000}]}, {"objects": [{"box_3d": 7}]}, {"focal_px": -5}, {"unknown": 1},
        {"masks": data_url(bomb_png(40_000, 10_000)), "objects": ["a"]}, {"objects": ["a"] * 1500},
    ])  # fmt: skip
    return _chat("bad about", data_url(good_jpeg(rng)), about)


def _wrong_place(rng: random.Random) -> Bad:
    path = rng.choice(
        ["/v1/completions", "/etc/passwd", "/../../etc/passwd", "/v1/models/none", "/%00", "/v1/scenes/1"]
    )
    return Bad("wrong place", b"", path, rng.choice(["GET", "DELETE", "PUT", "OPTIONS", "GET"]))


def _wrong_header(rng: random.Random) -> Bad:
    whole = json.dumps(document(data_url(good_jpeg(rng)))).encode()
    headers = rng.choice([
        {"Content-Type": "text/plain"}, {}, {"Content-Type": "application/json", "Host": "evil.example"},
        {"Content-Type": "multipart/form-data"},
    ])  # fmt: skip
    return Bad("wrong header", whole, headers=headers)


def _scene(rng: random.Random) -> Bad:
    image = rng.choice([*_JUNK, data_url(rng.randbytes(99)), data_url(bomb_png(60_000, 60_000))])
    return Bad("scene", json.dumps({"image": image}).encode(), "/v1/scenes")


_MAKERS: list[Callable[[random.Random], Bad]] = [
    _noise, _cut, _deep, _no_numbers, _wrong_type, _wrong_type, _missing, _broken_image, _broken_image, _no_image,
    _no_data_url, _bomb, _bad_depth, _bad_about, _wrong_place, _wrong_header, _scene,
]  # fmt: skip
