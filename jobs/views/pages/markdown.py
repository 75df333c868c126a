"""Formats Markdown tables."""

import re
from collections.abc import Iterable

# An underscore within a word is no markup.
_MARKUP = re.compile(r"[\\`*\[\]<>|~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def row(cells: Iterable[str]) -> str:
    """Format one row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Return a text so that Markdown and the HTML in it show it as it is, in one line of a table."""
    return _MARKUP.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))
