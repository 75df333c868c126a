"""Reads end at their limit, whatever a file or a store says of its size."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.object_store import S3_KEYS
from udfs.storage.clients import s3_client
from udfs.storage.files import MissingFile, TooLarge, read_bytes

LIMIT = 1_000


@pytest.mark.parametrize(("size", "fits"), [(LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False)])
def test_the_limit_is_inclusive(tmp_path: Path, size: int, fits: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    if fits:
        assert len(read_bytes(str(path), LIMIT)) == size
    else:
        with pytest.raises(TooLarge, match=r"has 1,001 bytes") as caught:
            read_bytes(str(path), LIMIT)
        assert caught.value.size == size


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs Linux's /proc")
def test_a_file_that_states_no_size_is_read_up_to_the_limit() -> None:
    assert os.stat("/proc/self/maps").st_size == 0
    with pytest.raises(TooLarge, match="has more bytes than it states"):
        read_bytes("/proc/self/maps", 100)


@pytest.mark.parametrize("name", ["pipe", "folder", "/dev/zero", "/dev/tty", "socket"])
def test_only_regular_files_are_opened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    path = tmp_path / name
    if path.exists() or name.startswith("/"):
        with pytest.raises(MissingFile, match="is not a regular file"):
            read_bytes(str(path), LIMIT)
    else:
        with pytest.raises(MissingFile, match="cannot be read"):
            read_bytes(str(path), LIMIT)


class _Endless(BaseHTTPRequestHandler):
    """Answers any GET with a body that states no length and never ends."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("ETag", '"1"')
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def endless_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {**S3_KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}.items():
        monkeypatch.setenv(name, value)
    s3_client.cache_clear()
    yield "s3://bucket"
    s3_client.cache_clear()
    server.shutdown()
    server.server_close()


def test_a_store_that_never_ends_is_read_up_to_the_limit(endless_store: str) -> None:
    with pytest.raises(TooLarge):
        read_bytes(f"{endless_store}/image.jpg", LIMIT)
