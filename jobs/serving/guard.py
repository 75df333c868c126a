"""What stands before every request: who may ask, how much may be sent, how long it may take, and how many at once."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from jobs.serving.faults import Refused
from jobs.serving.limits import ServeLimits
from jobs.serving.replies import Json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# Open to everybody: neither shows anything about an image.
_OPEN = ("/", "/healthz")
# A client that sends too much is told so once it has sent all, unless that is far too much.
_DRAINED = 4


class _ClientGone(Exception):
    """A client that closed the connection, or does not take its answer."""


class Guard:
    """Reads the body of a request within limits, and lets the application answer; `scope["body"]` holds it.

    Without a token, only names of this machine are served, so that no web page can reach the server by a name of its
    own.
    """

    def __init__(self, app: App, limits: ServeLimits, token: str | None) -> None:
        self._app, self._limits, self._token = app, limits, token
        self._open = 0
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI calls an application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._limits.read_seconds):
                    await send(message)
            except TimeoutError:
                raise _ClientGone from None

        counted = scope["path"] not in _OPEN
        self._open += counted
        try:
            await self._answer(scope, receive, in_time)
        except _ClientGone:
            return
        finally:
            self._open -= counted
            self._held_bytes -= len(scope.get("body", b""))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            refused = self._unwelcome(scope, headers)
            if scope["method"] == "POST":
                await self._read(scope, receive, refused or self._oversized(headers))
            elif refused is not None:
                raise refused
        except Refused as why:
            response = Json(why.document(), why.status, {**why.headers(), "Connection": "close"})
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _unwelcome(self, scope: Scope, headers: dict[str, str]) -> Refused | None:
        """Return why a request is not even read."""
        is_open = scope["path"] in _OPEN
        if self._token is None:
            host = headers.get("host", "").lower()
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name not in LOOPBACK_NAMES:
                return Refused("This server is asked as localhost or 127.0.0.1; use that name.", 403)
        elif not is_open:
            kind, _, given = headers.get("authorization", "").partition(" ")
            known = kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())
            if not known:
                return Refused("The token is missing or wrong; send it as the API key.", 401, "invalid_api_key")
        if self._open > self._limits.requests and not is_open:
            sentence = f"The server answers {self._limits.requests} requests at once; ask again later."
            return Refused(sentence, 429, "overloaded", wait_s=1)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and kind != "application/json":
            return Refused("The body is not application/json; send JSON with this content type.", 415)
        return None

    async def _read(self, scope: Scope, receive: Receive, refused: Refused | None) -> None:
        """Read the body; that of a refused request is thrown away as it comes, so that the client reads why.

        Raises:
            Refused: the request was refused, is too large, or did not arrive in time.
        """
        parts: list[bytes] = []
        size = taken = 0
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                has_more = True
                while has_more and size <= _DRAINED * self._limits.body_bytes:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _ClientGone
                    part, has_more = message.get("body", b""), message.get("more_body", False)
                    size += len(part)
                    refused = refused or self._unheld(size, len(part))
                    if refused is None:
                        parts.append(part)
                        taken += len(part)
                        self._held_bytes += len(part)
            if refused is None:
                scope["body"] = b"".join(parts)
        except TimeoutError:
            seconds = self._limits.read_seconds
            refused = refused or Refused(f"The request did not arrive within {seconds:g} s; send it again.", 408)
        finally:
            if "body" not in scope:
                self._held_bytes -= taken
        if refused is not None:
            raise refused

    def _oversized(self, headers: dict[str, str]) -> Refused | None:
        given = headers.get("content-length", "")
        return self._too_large() if given.isdecimal() and int(given[:20]) > self._limits.body_bytes else None

    def _unheld(self, size: int, more: int) -> Refused | None:
        """Return why there is no room for more of a body of which `size` bytes have come."""
        if size > self._limits.body_bytes:
            return self._too_large()
        if self._held_bytes + more > self._limits.waiting_bytes:
            sentence = "The requests at work hold all the memory there is for them; ask again later."
            return Refused(sentence, 503, "overloaded", wait_s=1)
        return None

    def _too_large(self) -> Refused:
        return Refused(f"The request is larger than {self._limits.body_mb:g} MB; send a smaller image.", 413)
