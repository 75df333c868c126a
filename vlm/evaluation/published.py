"""Figures that were published, to stand beside ours where the same score exists."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_PATH = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True)
class Published:
    """A published share; `source` is the item format that it belongs to, None where any items do."""

    score: str
    value: float
    setting: str
    source: str | None = None


@cache
def published() -> tuple[Published, ...]:
    """Return every published figure in order."""
    return tuple(Published(**figure) for figure in yaml.safe_load(_PATH.read_text(encoding="utf-8"))["figures"])


def beside(scores: set[str], sources: set[str]) -> list[Published]:
    """Return the published figures of the scores that we have, on items of these sources."""
    return [one for one in published() if one.score in scores and (one.source is None or one.source in sources)]
