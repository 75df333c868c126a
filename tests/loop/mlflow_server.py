"""MLflow's own server in a thread, which answers with HTTP 500 whenever it is told to fail."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class FailingServer:
    """A tracking server at `uri`; requests whose path contains `fails` end with HTTP 500, and are counted."""

    def __init__(self, app: Any) -> None:
        self.uri = ""
        self.fails: str | None = None
        self.failed = 0
        self._app = app

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        if self.fails is None or self.fails not in environ["PATH_INFO"]:
            return self._app(environ, start)
        self.failed += 1
        start("500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b"no"]


@contextmanager
def mlflow_server(folder: Path) -> Iterator[FailingServer]:
    """Yield a server of the database `mlflow.db` in `folder`, where it keeps artifacts, too."""
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{folder / 'mlflow.db'}"
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = str(folder / "artifacts")
    from mlflow.server import app
    from werkzeug.serving import make_server

    failing = FailingServer(app.wsgi_app)
    server = make_server("127.0.0.1", 0, failing, threaded=True)
    failing.uri = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield failing
    server.shutdown()
    thread.join()
    for name in ("_MLFLOW_SERVER_FILE_STORE", "_MLFLOW_SERVER_ARTIFACT_ROOT"):
        del os.environ[name]
