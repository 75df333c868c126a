"""The web application: OpenAI's endpoints, scenes for the page, the page, and health."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from jobs.serving import replies
from jobs.serving.faults import Refused
from jobs.serving.guard import App, Guard
from jobs.serving.limits import ServeLimits
from jobs.serving.reading import Chat, chat_of, given_image_of, read_json
from jobs.serving.replies import Json
from jobs.serving.service import Service
from jobs.serving.worker import Told

_PAGE_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_logger = logging.getLogger("spatiallake.serve")


def application(service: Service, limits: ServeLimits, model: str, token: str | None, page: str) -> App:
    """Return the application, guarded."""
    front = _Front(service, model, page)
    routes = [
        Route("/", front.page),
        Route("/healthz", front.health),
        Route("/v1/models", front.models),
        Route("/v1/models/{name:path}", front.model),
        Route("/v1/chat/completions", front.chat, methods=["POST"]),
        Route("/v1/scenes", front.scenes, methods=["POST"]),
    ]
    handlers: Any = {Refused: _refused, HTTPException: _http_error, Exception: _accident}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), limits, token)


class _Front:
    def __init__(self, service: Service, model: str, page: str) -> None:
        self._service, self._model, self._page = service, model, page
        self._started = int(time.time())

    async def page(self, _request: Request) -> Response:
        return HTMLResponse(self._page, headers=_PAGE_HEADERS)

    async def health(self, _request: Request) -> Response:
        return Json({"status": "ok", "scenes": self._service.scenes})

    async def models(self, _request: Request) -> Response:
        return Json(replies.models(self._model, self._started))

    async def model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name != self._model:
            raise Refused(
                f"There is no model {name[:80]!r}; this server has {self._model!r}.", 404, "model_not_found", "model"
            )
        return Json(replies.models(self._model, self._started)["data"][0])

    async def scenes(self, request: Request) -> Response:
        given_image = await asyncio.to_thread(lambda: given_image_of(read_json(request.scope["body"])))
        return Json(await self._service.look(given_image))

    async def chat(self, request: Request) -> Response:
        chat = await asyncio.to_thread(lambda: chat_of(read_json(request.scope["body"]), self._model))
        if chat.streams:
            return await self._streamed(chat)
        steps: list[dict[str, Any]] = []
        ended = await self._service.answer(chat, lambda told: steps.append(told.step))
        return Json(replies.Replies(self._model).whole(ended, steps))

    async def _streamed(self, chat: Chat) -> Response:
        """Answer step by step; what fails before the first step is an error as such, later ones end the stream."""
        told: asyncio.Queue[Told | None] = asyncio.Queue()
        task = asyncio.create_task(self._service.answer(chat, told.put_nowait))
        task.add_done_callback(lambda _: told.put_nowait(None))
        try:
            first = await told.get()
        except asyncio.CancelledError:
            task.cancel()
            raise
        if first is None:
            task.result()  # raises what went wrong
        return StreamingResponse(
            self._chunks(chat, task, told, first), media_type="text/event-stream", headers=_STREAM_HEADERS
        )

    async def _chunks(
        self, chat: Chat, task: "asyncio.Task[dict[str, Any]]", told: "asyncio.Queue[Told | None]", first: Told | None
    ) -> AsyncIterator[str]:  # fmt: skip
        made = replies.Replies(self._model)
        yield made.begin()
        try:
            while first is not None:
                yield made.step(first.step)
                first = await told.get()
            for chunk in made.end(await task, chat.wants_usage):
                yield chunk
        except Refused as refused:
            yield replies.event(refused.document())
        except Exception:
            _logger.exception("A stream broke off")
            yield replies.event(_unknown().document())
        finally:
            task.cancel()


def _unknown() -> Refused:
    return Refused("The server could not answer this; the reason is in its log.", 500, "internal_error")


async def _refused(_request: Request, refused: Refused) -> Response:
    return Json(refused.document(), refused.status, refused.headers())


async def _http_error(request: Request, error: HTTPException) -> Response:
    sentences = {
        404: f"There is nothing at {request.url.path[:120]!r}; ask /v1/chat/completions.",
        405: f"{request.url.path[:120]} takes no {request.method[:20]}.",
    }
    refused = Refused(sentences.get(error.status_code, "The request cannot be answered."), error.status_code)
    return Json(refused.document(), refused.status, error.headers)


async def _accident(_request: Request, _error: Exception) -> Response:
    return Json(_unknown().document(), 500)
