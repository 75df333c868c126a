"""The whole engine: all stages in order, in one session."""

import time
from collections.abc import Sequence
from functools import partial

from jobs.engine.batches import StreamOptions
from jobs.engine.errors import UsageError
from jobs.engine.lake import Lake
from jobs.engine.preflight import model_failures, require_experts
from jobs.engine.progress import Reporter
from jobs.engine.recipes import activate
from jobs.engine.session import start_session
from jobs.engine.settings import RunSettings
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary, run_stage
from jobs.stages.context import context_stage
from jobs.stages.crawl import append_listing
from jobs.stages.depth import depth_stage
from jobs.stages.disambiguate import disambiguate_stage
from jobs.stages.examples import examples_stage
from jobs.stages.filter import filter_stage
from jobs.stages.ingest import ingest_stage
from jobs.stages.lift import lift_stage
from jobs.stages.statistics import statistics_stage
from jobs.stages.synthesize import synthesize_stage

ENGINE_STAGES = ("ingest", "filter", "context", "depth", "lift", "disambiguate", "synthesize", "statistics")
# Examples hold every photograph several times more, which a lake that nobody trains from should not pay for.
STAGE_NAMES = (*ENGINE_STAGES, "examples")


def stages_of(settings: RunSettings) -> dict[str, Stage]:
    """Return every stage by name, each following the recipe of the one before."""
    profile = settings.profile()
    ingest = ingest_stage(settings.ingest)
    scores = filter_stage(profile.filter, settings.gpus_per_task)
    regions = context_stage(profile.context, settings.context.thresholds, scores, settings.gpus_per_task)
    depths = depth_stage(profile.depth, regions, settings.gpus_per_task)
    scenes = lift_stage(settings.lift, depths, regions)
    references = disambiguate_stage(settings.disambiguate, scenes, regions)
    answers = synthesize_stage(settings.synthesize, references, scenes)
    stages = (ingest, scores, regions, depths, scenes, references, answers, statistics_stage(answers))
    stages = (*stages, examples_stage(settings.examples, answers))
    return {stage.name: stage for stage in stages}


def open_lake(settings: RunSettings) -> Lake:
    """Start the session and return the lake."""
    session = start_session(settings.master, settings.driver_memory, settings.needs_s3, settings.spark)
    return Lake(session, settings.lake_uri, settings.checkpoint_uri)


def run(
    settings: RunSettings, names: Sequence[str], reporter: Reporter, lake: Lake | None = None
) -> list[StageSummary]:
    """Bring the named stages up to date, in order, and return what each did.

    With `ingest` among them and a crawl set, the crawl is listed first and new photographs are added. Before that,
    every learned expert is loaded once, so that a wrong model name costs no hours.
    """
    unknown = [name for name in names if name not in STAGE_NAMES]
    if unknown:
        raise UsageError(f"No stage {unknown[0]!r}; the stages are {', '.join(STAGE_NAMES)}.")
    stages = stages_of(settings)
    lake = lake or open_lake(settings)
    reporter.experts(require_experts(lake.session, [stages[name] for name in names]))
    if "ingest" in names and settings.crawl:
        append_listing(lake, settings.crawl, settings.shard_size)
    options = StreamOptions(settings.max_failure_rate, partial(Reporter.batch, reporter))
    activate(lake, [stages[name] for name in names])
    summaries = []
    for name in names:
        reporter.started(name, _pending(lake, stages[name]) if reporter.interactive else None)
        with model_failures():
            summary = run_stage(lake, stages[name], options)
        reporter.finished(summary)
        summaries.append(summary)
    return summaries


def follow(settings: RunSettings, names: Sequence[str], reporter: Reporter, poll_seconds: float) -> None:
    """Run the named stages again and again until interrupted."""
    lake = open_lake(settings)
    while True:
        run(settings, names, reporter, lake)
        time.sleep(poll_seconds)


def _pending(lake: Lake, stage: Stage) -> int | None:
    """Return the rows that the stage has not been given yet, as far as row counts tell."""
    if not lake.exists(stage.upstream):
        return None
    upstream = lake.read(stage.upstream)
    if "recipe" in upstream.columns:
        upstream = upstream.where(upstream.recipe == stage.upstream_recipe)
    if stage.many_per_key:
        upstream = upstream.select(stage.keys[0]).distinct()
    return upstream.count() - lake.rows_seen(stage.name, stage.recipe)
