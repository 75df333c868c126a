"""Published values, shown beside ours for the same score."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_PATH = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True)
class Published:
    """A published value; `source` is the item format that it belongs to, None for any."""

    score: str
    value: float
    setting: str
    source: str | None = None


@cache
def published() -> tuple[Published, ...]:
    """Return all published values in order."""
    return tuple(Published(**figure) for figure in yaml.safe_load(_PATH.read_text(encoding="utf-8"))["figures"])


def beside(scores: set[str], sources: set[str]) -> list[Published]:
    """Return the published values of these scores on items of these sources."""
    return [one for one in published() if one.score in scores and (one.source is None or one.source in sources)]
