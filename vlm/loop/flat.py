"""Nested settings as one mapping."""

from typing import Any


def flat(nested: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings and lists by their dotted names."""
    if isinstance(nested, dict):
        items = [(str(name), value) for name, value in nested.items()]
    elif isinstance(nested, list) and any(isinstance(value, dict) for value in nested):
        items = [(str(place), value) for place, value in enumerate(nested)]
    else:
        return {prefix: nested}
    found: dict[str, Any] = {}
    for name, value in items:
        found |= flat(value, f"{prefix}.{name}" if prefix else name)
    return found
