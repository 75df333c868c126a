"""The work of the command `serve`: start the processes, listen, and stop gracefully."""

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from jobs.serving.app import application
except ModuleNotFoundError as error:
    from jobs.engine.errors import EnvironmentMissing

    raise EnvironmentMissing(
        f"`serve` needs {error.name}; install the extra with `pip install 'spatiallake[serve]'`."
    ) from error

from jobs.engine.errors import SpatialLakeError, UsageError
from jobs.one_image.asking import BUILTIN_KNOWS
from jobs.one_image.reasoning import GEOMETRY, planner_of, predictor_of, valid
from jobs.serving.limits import ServeLimits
from jobs.serving.pool import Pool
from jobs.serving.service import Service
from jobs.serving.worker import Sources
from jobs.views.pages.serving import serving_page

_STOP_S = 10
_IDLE_S = 5
_MIN_TOKEN = 8


@dataclass(frozen=True)
class Listening:
    """Where the server listens; `token_variable` names the environment variable with the token of its clients."""

    host: str = "127.0.0.1"
    port: int = 8000
    token_variable: str | None = None
    limits: ServeLimits = field(default_factory=ServeLimits)

    def token(self) -> str | None:
        """Return the token that clients have to send, None where none is asked for.

        Raises:
            UsageError: the address is open to others and there is no token, or the token is none.
        """
        name = self.token_variable
        if name is None:
            if not _is_loopback(self.host):
                raise UsageError(
                    f"--host {self.host} lets others in, which takes a token; put one into an environment variable and "
                    "name it with --token."
                )
            return None
        token = os.environ.get(name, "").strip()
        if len(token) < _MIN_TOKEN or not token.isascii():
            raise UsageError(
                f"The environment variable {name} named by --token is not set, or holds fewer than {_MIN_TOKEN} "
                "characters; set it to the token that clients send."
            )
        return token


@dataclass(frozen=True)
class _Site:
    """What is served to whom, within which limits."""

    sources: Sources
    limits: ServeLimits
    model: str
    token: str | None
    page: str


def serve(sources: Sources, listening: Listening, say: Callable[[str], object]) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SpatialLakeError: the address, the token, an expert or a model cannot be used.
    """
    token, limits = listening.token(), listening.limits
    planner_of(sources.planner, sources.sees_image)
    model = "spatiallake-geometry" if sources.measures else predictor_of(sources.answers).model
    taken = _socket(listening)
    knows = knowledge_of(sources)
    say(knows)
    page = serving_page(model, knows, sources.measures, token is not None)
    try:
        asyncio.run(_served(taken, _Site(sources, limits, model, token, page), say))
    finally:
        taken.close()
    say("Stopped.")


def limits_of(given: Mapping[str, Any], answers: str) -> ServeLimits:
    """Return the limits that options set; models are loaded once per process, and so by one unless more are wanted.

    Raises:
        UsageError: one of them cannot be used.
    """
    known = {name: value for name, value in given.items() if value is not None}
    if answers != GEOMETRY:
        known.setdefault("workers", 1)
    return valid(ServeLimits, known)


def knowledge_of(sources: Sources) -> str:
    """Return what the server's experts know, in one or two sentences."""
    if sources.by_profile:
        found = f"Depth and objects come from the experts of {sources.settings.profile().name}."
    else:
        found = BUILTIN_KNOWS.format(parts="depth and masks")
    if sources.measures:
        return found
    return f"Answers come from {sources.answers.model or Path(sources.answers.place).name}, not from the scene. {found}"


async def _served(taken: socket.socket, site: _Site, say: Callable[[str], object]) -> None:
    """Start the processes and listen until a signal comes; both may be ended early."""
    limits = site.limits
    pool = Pool(site.sources, limits.workers)
    app: Any = application(Service(pool, site.sources, limits), limits, site.model, site.token, site.page)
    config = uvicorn.Config(
        app, http=_in_time(limits.read_seconds), ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_keep_alive=_IDLE_S, timeout_graceful_shutdown=_STOP_S, server_header=False, loop="asyncio",
        limit_concurrency=8 * limits.requests,
    )  # fmt: skip
    server = _Server(config)
    try:
        with server.taking_signals():
            starting = asyncio.create_task(pool.start())
            while not starting.done() and not server.should_exit:
                await asyncio.wait([starting], timeout=0.1)
            if server.should_exit:
                return
            starting.result()
            host, port = taken.getsockname()[:2]
            say(f"Serving {site.model} on http://{f'[{host}]' if ':' in host else host}:{port}; stop it with Ctrl-C.")
            await server.serve(sockets=[taken])
    finally:
        pool.stop()


class _Server(uvicorn.Server):
    """Takes both signals as a wish to end, also while the processes start; the command ends well then."""

    @contextlib.contextmanager
    def taking_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM until the block ends."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `taking_signals`."""
        yield


def _in_time(limit_s: float) -> type[H11Protocol]:
    """Return a protocol that closes a connection whose request has not begun in time."""

    class InTime(H11Protocol):
        _awaited: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self._awaited is not None:
                self._awaited.cancel()

        def _await_head(self) -> None:
            import h11

            waits = self.conn.their_state is h11.IDLE
            if waits and self._awaited is None:
                self._awaited = self.loop.call_later(limit_s, self.transport.close)
            elif not waits and self._awaited is not None:
                self._awaited.cancel()
                self._awaited = None

    return InTime


def _socket(listening: Listening) -> socket.socket:
    """Return a socket that listens.

    Raises:
        SpatialLakeError: the address is taken, or no address.
    """
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        found = socket.create_server((listening.host, listening.port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SpatialLakeError(
            f"--host {listening.host} --port {listening.port} cannot be listened on ({why}); choose another."
        ) from error
    found.setblocking(False)
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
