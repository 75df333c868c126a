"""Keeps secrets out of sentences: values under telling names, and credentials in URIs."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "(hidden)"
_TELLING = re.compile(
    r"secret|passw(or)?d|passphrase|credential|access[._-]?key|api[._-]?key|account[._-]?key|shared[._-]?key|auth"
    r"|private[._-]?key|signature|(^|[._-])(token|sas|pwd)($|[._-])|[._-]key$|(access|session|bearer|auth)token",
    re.IGNORECASE,
)
# A name alone before the @ is a container in some stores, and may be a token elsewhere.
_CREDENTIALS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/?#\s@]*:[^/?#\s]*@|(?P<token>(?:https?|ftps?|git|s3[an]?)://)[^/?#\s]+@",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Return whether a setting's dotted name tells that its value is a secret."""
    return bool(_TELLING.search(name))


def masked(text: str) -> str:
    """Return a text with the credentials of its URIs hidden: `https://user:secret@host` as `https://(hidden)@host`."""
    return _CREDENTIALS.sub(lambda found: f"{found['scheme'] or found['token']}{HIDDEN}@", text)


def shown(name: str, value: Any) -> str:
    """Return the `repr` of a setting's value for a sentence, without secrets."""
    return HIDDEN if is_secret(name) else repr(_without_secrets(value))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret(str(key)) else _without_secrets(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_without_secrets, value))
    return masked(value) if isinstance(value, str) else value
