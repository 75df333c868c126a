"""A model behind an OpenAI-compatible endpoint: `chat/completions` with images as data URLs."""

import base64
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from PIL import Image
from pydantic import Field

from schemas.secrets import masked
from vlm.evaluation.predictors.chat import Chat, ChatFailed, ChatSettings
from vlm.evaluation.predictors.predictor import Output
from vlm.evaluation.predictors.views import Shown

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


class EndpointSettings(ChatSettings):
    """URL, model and limits of an endpoint that many items are sent to."""

    concurrency: int = Field(default=8, ge=1, description="concurrent requests")


class Endpoint:
    """Answers items by concurrent requests; an item that fails after all retries stays unanswered."""

    batch = 1

    def __init__(self, name: str, settings: EndpointSettings) -> None:
        self.model = name
        self._settings = settings
        self._chat = Chat(settings, settings.concurrency)

    def identity(self) -> str:
        """Return the URL, the model and the maximum answer length."""
        return f"{masked(self._chat.url)} {self._settings.model} {self._settings.max_new_tokens}"

    def predict(self, batches: Iterable[Sequence[Shown]]) -> Iterator[list[Output]]:
        """Yield each answer as it arrives.

        Raises:
            PredictorUnusable: the endpoint refuses the model, the key, or every request.
        """
        with ThreadPoolExecutor(self._settings.concurrency) as threads:
            try:
                for output in _completed(threads, self._ask, batches, 2 * self._settings.concurrency):
                    yield [output]
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, shown: Shown) -> Output:
        try:
            data = self._chat.sent(self._request(shown))
        except (ChatFailed, ValueError) as error:
            return Output(shown, fault=f"Item {shown.item_id} {error}.")
        text = _text(data)
        if text is None:
            return Output(shown, fault=f"Item {shown.item_id} got no message ({data[:120]!r}).")
        return Output(shown, text)

    def _request(self, shown: Shown) -> dict[str, Any]:
        images = [{"type": "image_url", "image_url": {"url": data_url(one)}} for one in shown.images]
        return {
            "model": self._settings.model,
            "messages": [{"role": "user", "content": [*images, {"type": "text", "text": shown.prompt}]}],
            "temperature": 0,
            "max_tokens": self._settings.max_new_tokens,
        }


def _completed(
    threads: ThreadPoolExecutor, ask: Any, batches: Iterable[Sequence[Shown]], maximum: int
) -> Iterator[Output]:
    """Yield answers as they arrive, with at most `maximum` requests and their images in memory."""
    waiting: set[Future[Output]] = set()
    for (shown,) in batches:
        waiting.add(threads.submit(ask, shown))
        while len(waiting) >= maximum:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (one.result() for one in done)


def data_url(image: bytes) -> str:
    """Return an encoded image as a data URL, as PNG where its format is not one that endpoints read."""
    with Image.open(io.BytesIO(image)) as opened:
        kind = opened.format or ""
        if kind not in _FORMATS:
            held = io.BytesIO()
            opened.convert("RGB").save(held, "PNG")
            image, kind = held.getvalue(), "PNG"
    return f"data:{_FORMATS[kind]};base64,{base64.b64encode(image).decode()}"


def _text(data: bytes) -> str | None:
    """Return the text of the first choice, also of a refusal or a message in parts; None without a message."""
    try:
        message = json.loads(data)["choices"][0]["message"]
        content = message.get("content") or message.get("refusal") or ""
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
