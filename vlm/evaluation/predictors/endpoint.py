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

from vlm.evaluation.predictors.predictor import PredictorUnusable, Said
from vlm.evaluation.predictors.views import Shown

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
# Nothing that is asked of such an endpoint can be answered.
_REFUSED = (301, 302, 303, 307, 308, 401, 402, 403, 404, 405)
_CONNECT_S = 10.0


class EndpointSettings(BaseModel):
    """Which model is asked, and how patiently."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    url: str = Field(pattern=r"^https?://", description="up to and without /chat/completions")
    model: str = Field(description="name that the endpoint knows the model by")
    key: SecretStr | None = Field(default=None, description="sent as a bearer token")
    concurrency: int = Field(default=8, ge=1, description="concurrent requests")
    timeout_s: float = Field(default=120.0, gt=0, description="longest wait for an answer")
    retries: int = Field(default=5, ge=0, description="of a request that failed or was turned away for now")
    backoff_s: float = Field(default=1.0, ge=0, description="wait before the second retry; it doubles with each")
    longest_wait_s: int = Field(default=120, ge=0, description="of a backoff, and of a Retry-After")
    max_new_tokens: int = Field(default=256, ge=1, description="longest answer")


class Endpoint:
    """Answers items by requests, several at once; an item that fails after all retries is left without an answer."""

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
        """Return the endpoint, its model, and the length of answers."""
        return f"{self._url} {self._settings.model} {self._settings.max_new_tokens}"

    def predict(self, batches: Iterable[Sequence[Shown]]) -> Iterator[list[Said]]:
        """Yield each answer as it comes.

        Raises:
            PredictorUnusable: the endpoint refuses the model, the key, or every request.
        """
        with ThreadPoolExecutor(self._settings.concurrency) as threads:
            try:
                for said in _completed(threads, self._ask, batches, 2 * self._settings.concurrency):
                    yield [said]
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, shown: Shown) -> Said:
        headers = {"Content-Type": "application/json"}
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key.get_secret_value()}"
        try:
            body = json.dumps(self._request(shown))
            response = self._pool.request("POST", self._url, body=body, headers=headers)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Said(shown, fault=f"Item {shown.item_id} got no answer from {self._url}: {_cause(error)}.")
        if response.status in _REFUSED:
            raise PredictorUnusable(
                f"{self._url} refuses {self._settings.model!r} with status {response.status} "
                f"({_message(response.data)}); "
                "check --endpoint, --endpoint-model and the key in the variable of --endpoint-key."
            )
        if response.status != 200:
            fault = f"Item {shown.item_id} got status {response.status} ({_message(response.data)})."
            return Said(shown, fault=fault)
        text = _text(response.data)
        if text is None:
            return Said(shown, fault=f"Item {shown.item_id} got no message ({response.data[:120]!r}).")
        return Said(shown, text)

    def _request(self, shown: Shown) -> dict[str, Any]:
        images = [{"type": "image_url", "image_url": {"url": _data_url(one)}} for one in shown.images]
        return {
            "model": self._settings.model,
            "messages": [{"role": "user", "content": [*images, {"type": "text", "text": shown.prompt}]}],
            "temperature": 0,
            "max_tokens": self._settings.max_new_tokens,
        }


def _completed(threads: ThreadPoolExecutor, ask: Any, batches: Iterable[Sequence[Shown]], most: int) -> Iterator[Said]:
    """Yield what is said as it comes; no more than `most` requests with their images are held in memory."""
    waiting: set[Future[Said]] = set()
    for (shown,) in batches:
        waiting.add(threads.submit(ask, shown))
        while len(waiting) >= most:
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
    """Return what the first choice says, also where it refuses or says it in parts; None where there is no message."""
    try:
        message = json.loads(data)["choices"][0]["message"]
        content = message.get("content") or message.get("refusal") or ""
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None


def _message(data: bytes) -> str:
    """Return the reason that the body of a failure gives, on one line."""
    try:
        error = json.loads(data)["error"]
        said = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        said = data.decode("utf-8", "replace")
    return " ".join(str(said).split())[:200] or "no reason given"


def _cause(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    return " ".join(str(cause).split())[:200]
