"""Where a server of this package listens, and how it ends: for `serve` and `view`."""

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from jobs.engine.errors import SpatialLakeError, UsageError
from jobs.serving.limits import ServeLimits

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


def config_of(app: Any, limits: ServeLimits) -> uvicorn.Config:
    """Return how an application is served within limits."""
    return uvicorn.Config(
        app, http=in_time(limits.read_seconds), ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_keep_alive=_IDLE_S, timeout_graceful_shutdown=_STOP_S, server_header=False, loop="asyncio",
        limit_concurrency=8 * limits.requests,
    )  # fmt: skip


def address_of(taken: socket.socket) -> str:
    """Return the URL at which a socket listens."""
    host, port = taken.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Server(uvicorn.Server):
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


def in_time(limit_s: float) -> type[H11Protocol]:
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


def socket_of(listening: Listening) -> socket.socket:
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
