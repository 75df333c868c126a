"""A real S3 server on the loopback device, which may throttle and fail as a busy store does."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from udfs.storage.clients import s3_client

BUCKET = "crawls"
S3_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


_REFUSALS = (("503 Slow Down", "SlowDown"), ("500 Internal Server Error", "InternalError"))


class Busy:
    """A server's application that answers a share of all requests with 503 or 500 instead; `refused` counts them."""

    def __init__(self, app: Any, share: float) -> None:
        self.refused = 0
        self._app = app
        self._share = share
        self._draws = random.Random(5)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        if self._draws.random() >= self._share:
            return self._app(environ, start)
        self.refused += 1
        # As a store does, take what is sent before the answer.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, code = self._draws.choice(_REFUSALS)
        body = f"<Error><Code>{code}</Code><Message>Please try again.</Message></Error>".encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body if environ["REQUEST_METHOD"] != "HEAD" else b""]


@contextmanager
def s3_server() -> Iterator[str]:
    """Yield the `s3://` prefix of an empty bucket, which boto3 finds by the environment."""
    with busy_s3_server(0.0) as (prefix, _):
        yield prefix


@contextmanager
def busy_s3_server(share: float) -> Iterator[tuple[str, Busy]]:
    """Yield the prefix of an empty bucket as `s3_server` does, and the server, which refuses this share of requests."""
    busy = Busy(DomainDispatcherApplication(create_backend_app), share)
    server = make_server("127.0.0.1", 0, busy, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**S3_KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}"}.items():
            patch.setenv(name, value)
        s3_client.cache_clear()
        # What an earlier server of this process held outlives it.
        with urlopen(Request(f"http://127.0.0.1:{server.port}/moto-api/reset", method="POST")):
            pass
        s3_client().create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}", busy
    s3_client.cache_clear()
    server.shutdown()
    thread.join()


def upload(folder: Path, prefix: str) -> None:
    """Copy a folder's files to the bucket."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder).as_posix()}"
            s3_client().put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
