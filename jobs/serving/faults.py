"""What a client is told where its request cannot be answered: one sentence, in the shape of OpenAI's errors."""

from typing import Any


class Refused(Exception):
    """A request that is not answered; the message is one sentence with the value and the remedy."""

    def __init__(
        self, message: str, status: int = 400, code: str | None = None, param: str | None = None, wait_s: int = 0
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.code, self.param, self.wait_s = status, code, param, wait_s

    def document(self) -> dict[str, Any]:
        """Return the body of the response."""
        return {"error": {"message": str(self), "type": _type(self.status), "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """Return what the response says beside its body."""
        found = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return {**found, "Retry-After": str(self.wait_s)} if self.wait_s else found


def _type(status: int) -> str:
    known = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return known.get(status, "server_error" if status >= 500 else "invalid_request_error")
