"""Parses opt-outs that the crawl recorded: `X-Robots-Tag` headers, robots meta tags and TDM reservations."""

import re
from collections.abc import Collection

_TDM = "tdm-reservation"
_TDM_VALUE = re.compile(rf"{_TDM}\W*(\w+)")
# `max-image-preview: none` limits previews; it is not the directive `none`.
_PREVIEW_LIMIT = re.compile(r"max-[a-z]+-preview\W*\w+")
_WORD = re.compile(r"[a-z0-9_-]+")


def opt_outs(robots: str | None, refused: Collection[str]) -> list[str]:
    """Return the directives in `robots` that are in `refused`, sorted.

    Directives are case-insensitive and separated by commas, spaces or line breaks; a directive for a single user agent
    counts for all. `none` means `noindex, nofollow`, as the robots meta tag specification defines, and
    `tdm-reservation` counts if its value is 1 (TDM Reservation Protocol).
    """
    if not robots:
        return []
    text = _PREVIEW_LIMIT.sub(" ", robots.lower())
    reserved = any(value == "1" for value in _TDM_VALUE.findall(text))
    words = set(_WORD.findall(text)) - {_TDM}
    if "none" in words:
        words |= {"noindex", "nofollow"}
    if reserved:
        words.add(_TDM)
    return sorted(words & {directive.lower() for directive in refused})
