"""Stages from Python: what `spatiallake run`, `backfill`, `retry` and the commands of single stages do."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from jobs.engine.going_live import use
from jobs.engine.memory import remembered_settings
from jobs.engine.pipeline import backfill_stages, open_lake, retry_stages
from jobs.engine.pipeline import run as run_stages
from jobs.engine.progress import Reporter
from jobs.engine.settings import RunSettings, load_settings
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
    merged = _settings(lake, settings, crawl=crawl, experts=experts)
    with Reporter() if progress else nullcontext() as reporter:
        return run_stages(merged, stages, reporter)


def backfill(
    lake: str, stage: str | None = None, settings: Mapping[str, Any] | None = None, progress: bool = False
) -> list[StageSummary]:
    """Write the rows that stages lack under these settings, and return what each did.

    Without `stage` these are all stages of the engine but `ingest`, with it that stage and those downstream of it.

    Raises:
        SpatialLakeError: unusable settings, a model that cannot be loaded, or too many failed rows.
    """
    with Reporter() if progress else nullcontext() as reporter:
        return backfill_stages(_settings(lake, settings), stage, reporter)


def retry(
    lake: str, stage: str | None = None, settings: Mapping[str, Any] | None = None, progress: bool = False
) -> list[StageSummary]:
    """Try the failed rows of one stage, or of every stage, again, and return what each did; `run` takes them further.

    Raises:
        SpatialLakeError: unusable settings, a model that cannot be loaded, or too many failed rows.
    """
    with Reporter() if progress else nullcontext() as reporter:
        return retry_stages(_settings(lake, settings), stage, reporter)


def use_recipe(lake: str, recipe: str) -> list[str]:
    """Show another recipe of a lake, given by the beginning of its hash, with its chain; return what was done.

    Raises:
        SpatialLakeError: no such recipe, or one that has not caught up.
    """
    return use(open_lake(_settings(lake, None)), recipe)


def _settings(lake: str, settings: Mapping[str, Any] | None, **named: Any) -> RunSettings:
    given = {name: value for name, value in {"lake": str(lake), **named}.items() if value is not None}
    return load_settings({**(settings or {}), **given}, None, [], remembered_settings(str(lake)))
