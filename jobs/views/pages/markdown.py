"""Formats Markdown tables."""

from collections.abc import Iterable


def row(cells: Iterable[str]) -> str:
    """Format one row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
