"""Requests to the `chat/completions` of an OpenAI-compatible endpoint, with retries and limits."""

import json
import math
import time
from typing import Any

import urllib3
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from schemas.secrets import HIDDEN, masked
from vlm.evaluation.predictors.predictor import PredictorUnusable

_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
# Statuses that every further request would get as well.
_REFUSED = (301, 302, 303, 307, 308, 401, 402, 403, 404, 405)
_CONNECT_S = 10.0
_CHUNK = 1 << 16


class ChatSettings(BaseModel):
    """URL, model and limits of an endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    url: str = Field(pattern=r"^https?://", description="URL without /chat/completions")
    model: str = Field(description="name of the model at the endpoint")
    key: SecretStr | None = Field(default=None, description="sent as a bearer token")
    timeout_s: float = Field(default=120.0, gt=0, description="timeout of a request")
    retries: int = Field(default=5, ge=0, description="retries of a failed or throttled request")
    backoff_s: float = Field(
        default=1.0, ge=0, description="wait before the second retry, doubled with each further one"
    )
    longest_wait_s: int = Field(default=120, ge=0, description="maximum backoff and Retry-After")
    max_new_tokens: int = Field(default=256, ge=1, description="maximum length of an answer")
    max_reply_bytes: int = Field(default=1 << 22, ge=1, description="maximum size of a response")


class ChatFailed(Exception):
    """A request without a usable response; the message says why in one clause, `status` is 0 without one."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class _TimeLeft(urllib3.Timeout):
    """Timeouts of every try of a request, none of which lasts beyond `ends`, a moment of the monotonic clock."""

    def __init__(self, patience_s: float, ends: float) -> None:
        self._patience_s, self._ends = patience_s, ends
        left_s = max(0.01, min(patience_s, ends - time.monotonic()))
        super().__init__(connect=min(_CONNECT_S, left_s), read=left_s)

    def clone(self) -> "_TimeLeft":
        return _TimeLeft(self._patience_s, self._ends)


class _RetriesWithin(urllib3.Retry):
    """Retries of which none begins after `ends`, a moment of the monotonic clock."""

    ends = math.inf

    def new(self, **changed: Any) -> "_RetriesWithin":
        made = super().new(**changed)
        made.ends = self.ends
        return made

    def until(self, ends: float) -> "_RetriesWithin":
        """Return the same retries, of which none begins after a moment."""
        made = self.new()
        made.ends = ends
        return made

    def increment(self, *tried: Any, **found: Any) -> Any:
        left = self if time.monotonic() < self.ends else self.new(total=0)
        return urllib3.Retry.increment(left, *tried, **found)

    def get_backoff_time(self) -> float:
        return self._within(super().get_backoff_time())

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        asked_s = super().get_retry_after(response)
        return None if asked_s is None else self._within(asked_s)

    def _within(self, wait_s: float) -> float:
        return max(0.0, min(wait_s, self.ends - time.monotonic()))


class Chat:
    """One endpoint; requests may come from several threads. `options` names what a user may have set wrong."""

    def __init__(self, settings: ChatSettings, connections: int = 1, options: str = "endpoint") -> None:
        self._settings, self._options = settings, options
        self.url = f"{settings.url.rstrip('/')}/chat/completions"
        self._pool = urllib3.PoolManager(maxsize=connections)
        self._retries = _RetriesWithin(
            total=settings.retries,
            allowed_methods=None,
            redirect=False,
            status_forcelist=_AGAIN,
            backoff_factor=settings.backoff_s,
            backoff_max=settings.longest_wait_s,
            retry_after_max=settings.longest_wait_s,
            raise_on_status=False,
        )

    def sent(self, document: dict[str, Any], left_s: float | None = None) -> bytes:
        """Post a request and return the body of its response; `left_s` limits all tries of it together.

        Raises:
            ChatFailed: no response, one that is too large or late, or another status than 200.
            PredictorUnusable: the endpoint refuses the key or the model.
        """
        headers = {"Content-Type": "application/json"}
        if self._settings.key:
            headers["Authorization"] = f"Bearer {self._settings.key.get_secret_value()}"
        ends = math.inf if left_s is None else time.monotonic() + left_s
        try:
            response = self._pool.request(
                "POST", self.url, body=json.dumps(document), headers=headers, preload_content=False,
                timeout=_TimeLeft(self._settings.timeout_s, ends), retries=self._retries.until(ends),
            )  # fmt: skip
            try:
                data = self._body(response, ends)
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ChatFailed(f"got no answer from {masked(self.url)}: {masked(_cause(error))}") from error
        if response.status in _REFUSED:
            raise PredictorUnusable(
                f"{masked(self.url)} rejects {self._settings.model!r} with status {response.status} "
                f"({self._message(data)}); check --{self._options}, --{self._options}-model and the key in "
                f"--{self._options}-key."
            )
        if response.status != 200:
            raise ChatFailed(f"got status {response.status} ({self._message(data)})", response.status)
        return data

    def _body(self, response: urllib3.BaseHTTPResponse, ends: float) -> bytes:
        data = bytearray()
        while chunk := response.read1(_CHUNK):
            data += chunk
            if len(data) > self._settings.max_reply_bytes:
                response.close()
                raise ValueError(f"the response has more than {self._settings.max_reply_bytes} bytes")
            if time.monotonic() > ends:
                response.close()
                raise ValueError("the response took too long")
        return bytes(data)

    def _message(self, data: bytes) -> str:
        """Return what the endpoint says, without the key that it may quote."""
        key = self._settings.key.get_secret_value() if self._settings.key else ""
        said = masked(_message(data))
        return said.replace(key, HIDDEN) if key else said


def _message(data: bytes) -> str:
    """Return the reason in the body of a failed response, on one line."""
    try:
        error = json.loads(data)["error"]
        reason = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = data.decode("utf-8", "replace")
    return " ".join(str(reason).split())[:200] or "no reason given"


def _cause(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    if isinstance(cause, urllib3.exceptions.ReadTimeoutError):
        return "it took too long"
    return " ".join(str(cause).split())[:200]
