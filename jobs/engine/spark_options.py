"""Hands Spark's options to its launcher in a file that only this user reads: a command line is open to all users."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_ESCAPED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
_IN_NAMES = {" ": "\\ ", ":": "\\:", "=": "\\=", "#": "\\#", "!": "\\!"}


@contextmanager
def options_file(options: Mapping[str, str]) -> Iterator[str]:
    """Yield the path of a Java properties file with the options, mode 600, that is removed at the end."""
    descriptor, path = tempfile.mkstemp(prefix="spatiallake-", suffix=".properties")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(properties(options))
        yield path
    finally:
        os.unlink(path)


def properties(options: Mapping[str, str]) -> str:
    """Return options in the format of Java's `Properties.load`."""
    return "".join(f"{_escaped(name, _IN_NAMES)}={_value(value)}\n" for name, value in options.items())


def _value(value: str) -> str:
    text = _escaped(value, {})
    return f"\\{text}" if text.startswith(" ") else text


def _escaped(text: str, more: Mapping[str, str]) -> str:
    return "".join({**_ESCAPED, **more}.get(character, character) for character in text)
