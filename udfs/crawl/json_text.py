"""Reads JSON text as crawlers write it."""

import json
from typing import Any


def json_value(text: str) -> Any:
    """Parse JSON; NaN is accepted and unpaired surrogates, which no table can store, are replaced.

    Raises:
        ValueError, RecursionError: `text` is not JSON, or nested too deeply.
    """
    value = json.loads(text)
    if "\\ud" in text.lower():
        repaired = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        value = json.loads(repaired.decode("utf-16-le", "replace"))
    return value


def json_of(row: dict[str, Any]) -> str:
    """Return a row of a table as JSON, without its nulls."""
    return json.dumps({name: value for name, value in row.items() if value is not None}, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else float(value)
