"""Stages from Python: what `spatiallake run` and the commands of single stages do."""

import io
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from rich.console import Console

from jobs.engine.pipeline import ENGINE_STAGES
from jobs.engine.pipeline import run as run_stages
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from jobs.engine.stream import StageSummary


class _Silent(Reporter):
    """Reports nothing; the summaries say what was done."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO()))

    def log(self, event: str, **fields: Any) -> None:
        """Do nothing."""


def run(
    lake: str,
    crawl: str | None = None,
    experts: str | None = None,
    settings: Mapping[str, Any] | None = None,
    stages: Sequence[str] | None = None,
    progress: bool = False,
) -> list[StageSummary]:
    """Bring a lake's tables up to date and return what each stage did.

    `crawl` is what to add, `experts` a profile's name or YAML file, `settings` a mapping as in a settings file
    (`{"lift": {"min_points": 30}, "master": "local[4]"}`), and `stages` the names of the stages to run in their order
    (all of the engine). `progress` shows bars or JSON lines on standard error, as the command does.

    Raises:
        SpatialLakeError: unusable settings, a crawl or model that cannot be read, or too many failed rows.
    """
    merged = load_settings({**(settings or {}), "lake": str(lake), "crawl": crawl, "experts": experts}, None, [])
    reporter = Reporter() if progress else _Silent()
    with reporter if progress else nullcontext():
        return run_stages(merged, tuple(stages or ENGINE_STAGES), reporter)
