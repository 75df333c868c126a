"""The work of the command `view`: pages of a lake that is too large for one file, made when they are asked for."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from jobs.engine.errors import SpatialLakeError, UsageError
from jobs.serving.guard import App, Guard
from jobs.serving.limits import ServeLimits
from jobs.serving.listening import Listening, Server, address_of, config_of, socket_of
from jobs.views.browsing import Wanted, alone, browsed
from jobs.views.pages.selection import chosen_images
from jobs.views.preview import live_page, opened

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# Each holds the images of a page in memory while it makes it.
_PAGES_AT_ONCE = 2
_logger = logging.getLogger("spatiallake.view")


def view(lake_uri: str, beside_uri: str | None, port: int, per_page: int, say: Callable[[str], object]) -> None:
    """Serve the pages of a lake to this machine until SIGINT or SIGTERM.

    Raises:
        LakeUnreadable: a lake does not exist, or has no images.
        SpatialLakeError: the port cannot be listened on.
    """
    chosen_images(opened(lake_uri, beside_uri)[0], 1, 0)
    taken = socket_of(Listening(port=port))
    try:
        asyncio.run(_served(taken, lake_uri, beside_uri, per_page, say))
    finally:
        taken.close()
    say("Stopped.")


async def _served(
    taken: Any, lake_uri: str, beside_uri: str | None, per_page: int, say: Callable[[str], object]
) -> None:
    limits = ServeLimits()
    server = Server(config_of(application(lake_uri, beside_uri, per_page, limits), limits))
    with server.taking_signals():
        say(f"The pages of {lake_uri} are on {address_of(taken)}; stop it with Ctrl-C.")
        await server.serve(sockets=[taken])


def application(lake_uri: str, beside_uri: str | None, per_page: int, limits: ServeLimits) -> App:
    """Return the application, guarded: only names of this machine are served."""
    front = _Front(lake_uri, beside_uri, per_page)
    routes = [Route("/", front.start), Route("/images", front.images), Route("/images/{name}", front.image)]
    handlers: Any = {SpatialLakeError: _told, HTTPException: _no_such, Exception: _accident}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), limits, None)


class _Front:
    def __init__(self, lake_uri: str, beside_uri: str | None, per_page: int) -> None:
        self._lake_uri, self._beside_uri, self._per_page = lake_uri, beside_uri, per_page
        self._room = asyncio.Semaphore(_PAGES_AT_ONCE)

    async def start(self, _request: Request) -> Response:
        return RedirectResponse("/images", headers=_HEADERS)

    async def images(self, request: Request) -> Response:
        wanted = Wanted.of_query(request.query_params)
        async with self._room:
            return HTMLResponse(await asyncio.to_thread(self._page, wanted), headers=_HEADERS)

    async def image(self, request: Request) -> Response:
        async with self._room:
            return HTMLResponse(await asyncio.to_thread(self._one, request.path_params["name"]), headers=_HEADERS)

    def _page(self, wanted: Wanted) -> str:
        # A lake may have grown since the last page.
        lake, other = opened(self._lake_uri, self._beside_uri)
        return live_page(lake, other, browsed(lake, wanted, self._per_page))

    def _one(self, name: str) -> str:
        lake, other = opened(self._lake_uri, self._beside_uri)
        (image_id,) = chosen_images(lake, 1, 0, [name])
        return live_page(lake, other, alone(lake, image_id))


async def _told(_request: Request, error: Exception) -> Response:
    status = 400 if isinstance(error, UsageError) else 503
    return PlainTextResponse(f"{error}\n", status, headers=_HEADERS)


async def _no_such(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return PlainTextResponse(f"There is nothing at {request.url.path[:120]!r}; start at /images.\n", status)


async def _accident(_request: Request, _error: Exception) -> Response:
    _logger.exception("A page could not be made")
    return PlainTextResponse("This page could not be made; the reason is in the server's log.\n", 500)
