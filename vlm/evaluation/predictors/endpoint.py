"""A model behind an OpenAI-compatible endpoint: `chat/completions` with images as data URLs."""

import base64
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import urllib3
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from schemas.secrets import HIDDEN, masked
from vlm.evaluation.predictors.predictor import Output, PredictorUnusable
from vlm.evaluation.predictors.views import Shown

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
# Statuses that every further request would get as well.
_REFUSED = (301, 302, 303, 307, 308, 401, 402, 403, 404, 405)
_CONNECT_S = 10.0


class EndpointSettings(BaseModel):
    """URL, model and limits of an endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    url: str = Field(pattern=r"^https?://", description="URL without /chat/completions")
    model: str = Field(description="name of the model at the endpoint")
    key: SecretStr | None = Field(default=None, description="sent as a bearer token")
    concurrency: int = Field(default=8, ge=1, description="concurrent requests")
    timeout_s: float = Field(default=120.0, gt=0, description="timeout of a request")
    retries: int = Field(default=5, ge=0, description="retries of a failed or throttled request")
    backoff_s: float = Field(
        default=1.0, ge=0, description="wait before the second retry, doubled with each further one"
    )
    longest_wait_s: int = Field(default=120, ge=0, description="maximum backoff and Retry-After")
    max_new_tokens: int = Field(default=256, ge=1, description="maximum length of an answer")


class Endpoint:
    """Answers items by concurrent requests; an item that fails after all retries stays unanswered."""

    batch = 1

    def __init__(self, name: str, settings: EndpointSettings) -> None:
        self.model = name
        self._settings = settings
        self._url = f"{settings.url.rstrip('/')}/chat/completions"
        self._pool = urllib3.PoolManager(
            maxsize=settings.concurrency,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=settings.timeout_s),
            retries=urllib3.Retry(
                total=settings.retries,
                allowed_methods=None,
                redirect=False,
                status_forcelist=_AGAIN,
                backoff_factor=settings.backoff_s,
                backoff_max=settings.longest_wait_s,
                retry_after_max=settings.longest_wait_s,
                raise_on_status=False,
            ),
        )

    def identity(self) -> str:
        """Return the URL, the model and the maximum answer length."""
        return f"{masked(self._url)} {self._settings.model} {self._settings.max_new_tokens}"

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
        headers = {"Content-Type": "application/json"}
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key.get_secret_value()}"
        try:
            body = json.dumps(self._request(shown))
            response = self._pool.request("POST", self._url, body=body, headers=headers)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Output(
                shown, fault=f"Item {shown.item_id} got no answer from {masked(self._url)}: {masked(_cause(error))}."
            )
        if response.status in _REFUSED:
            raise PredictorUnusable(
                f"{masked(self._url)} rejects {self._settings.model!r} with status {response.status} "
                f"({self._message(response.data)}); check --endpoint, --endpoint-model and the key in --endpoint-key."
            )
        if response.status != 200:
            fault = f"Item {shown.item_id} got status {response.status} ({self._message(response.data)})."
            return Output(shown, fault=fault)
        text = _text(response.data)
        if text is None:
            return Output(shown, fault=f"Item {shown.item_id} got no message ({response.data[:120]!r}).")
        return Output(shown, text)

    def _message(self, data: bytes) -> str:
        """Return what the endpoint says, without the key that it may quote."""
        key = self._settings.key.get_secret_value() if self._settings.key else ""
        said = masked(_message(data))
        return said.replace(key, HIDDEN) if key else said

    def _request(self, shown: Shown) -> dict[str, Any]:
        images = [{"type": "image_url", "image_url": {"url": _data_url(one)}} for one in shown.images]
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


def _data_url(image: bytes) -> str:
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


def _message(data: bytes) -> str:
    """Return the reason in the body of a failed response, on one line."""
    try:
        error = json.loads(data)["error"]
        reason = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        reason = data.decode("utf-8", "replace")
    return " ".join(str(reason).split())[:200] or "no reason given"


def _cause(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    return " ".join(str(cause).split())[:200]
