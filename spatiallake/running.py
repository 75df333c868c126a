"""Stages from Python: what `spatiallake run` and the commands of single stages do."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import run as run_stages
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from jobs.engine.stream import StageSummary


def run(
    lake: str,
    crawl: str | None = None,
    experts: str | Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    stages: Sequence[str] | None = None,
    progress: bool = False,
) -> list[StageSummary]:
    """Bring a lake's tables up to date and return what each stage did.

    `crawl` is what to add, `experts` a profile's name, its YAML file or a mapping like one, `settings` a mapping as in
    a settings file (`{"lift": {"min_points": 30}, "master": "local[4]"}`), and `stages` the names of the stages to run
    in their order (all of the engine). A lake keeps the experts and settings of its current recipes unless others are
    named. `progress` shows bars or JSON lines on standard error, as the command does.

    Raises:
        SpatialLakeError: unusable settings, a crawl or model that cannot be read, or too many failed rows.
    """
    named = {"lake": str(lake), "crawl": crawl, "experts": experts}
    flags = {**(settings or {}), **{name: value for name, value in named.items() if value is not None}}
    merged = load_settings(flags, None, [], remembered_settings(str(lake)))
    with Reporter() if progress else nullcontext() as reporter:
        return run_stages(merged, stages, reporter)
