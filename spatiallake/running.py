"""Stages from Python: what `spatiallake run` and the commands of single stages do."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import run as run_stages
from jobs.engine.progress import Reporter
from jobs.engine.settings import load_settings
from jobs.engine.stream import StageSummary


def run(
    lake: str,
    crawl: str | None = None,
    experts: str | None = None,
    settings: Mapping[str, Any] | None = None,
    stages: Sequence[str] | None = None,
    progress: bool = False,
) -> list[StageSummary]:
    """Bring a lake's tables up to date and return what each stage did.

    A lake keeps the settings of its current recipes unless others are given. `crawl` is what to add, `experts` a
    profile's name or YAML file, `settings` a mapping as in a settings file (`{"lift": {"min_points": 30}, "master":
    "local[4]"}`), and `stages` the names of the stages to run in their order (all of `run`). `progress` shows bars or
    JSON lines on standard error, as the command does.

    Raises:
        SpatialLakeError: unusable settings, a crawl or model that cannot be read, or too many failed rows.
    """
    flags = {**(settings or {}), "lake": str(lake), "crawl": crawl, "experts": experts}
    merged = load_settings(flags, None, [], remembered_settings(str(lake)))
    if not progress:
        return run_stages(merged, stages)
    with Reporter() as reporter:
        return run_stages(merged, stages, reporter)
