"""Runs any of the stages in order, in one session."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from pyspark.sql import SparkSession

from jobs.engine.accidents import accidents
from jobs.engine.backfill import backfill, lacking, lacking_without_spark, retry
from jobs.engine.batches import StreamOptions
from jobs.engine.delta_log import count_rows, matching_rows, remove_residues, require_whole_logs
from jobs.engine.errors import LakeBusy, LakeUnreadable, UsageError
from jobs.engine.frames import require_upright
from jobs.engine.gaps import close_gap, require_listed, require_rows_above
from jobs.engine.going_live import go_live, shown_uri
from jobs.engine.joining import on_platform, require_shared
from jobs.engine.lake import Lake
from jobs.engine.lake_folder import require_folder, require_writable
from jobs.engine.listings import last_listed
from jobs.engine.locks import writing
from jobs.engine.preflight import model_failures, require_experts
from jobs.engine.progress import Reporter, SilentReporter
from jobs.engine.recipe_table import recipe_book, register
from jobs.engine.registry import definition_of, downstream_of, run_stages, stage_definitions
from jobs.engine.rules import of_table, require_conditions
from jobs.engine.scope import said_after, said_before
from jobs.engine.selection import Selection
from jobs.engine.session import start_session
from jobs.engine.settings import RunSettings
from jobs.engine.small.limits import can_be_small, images_in, is_local
from jobs.engine.small.pool import pool
from jobs.engine.stage import Stage
from jobs.engine.stream import StageSummary, run_stage
from jobs.stages.listing import ListingOptions, append_listing, crawl_layout
from jobs.stages.small_listing import SmallListing, append_small_listing, small_listing
from jobs.views.reader import LakeReader
from schemas.operations import QUARANTINE
from udfs.crawl.layout import Layout

Work = Callable[[Lake, Stage, StreamOptions], StageSummary]


def stages_of(settings: RunSettings) -> dict[str, Stage]:
    """Return every stage by name, each following the recipe of the one before."""
    profile = settings.profile()
    stages: dict[str, Stage] = {}
    for name, definition in stage_definitions().items():
        stages[name] = definition.made(
            upstream=stages,
            settings=getattr(settings, name, None) if definition.settings else None,
            expert=getattr(profile, definition.slot) if definition.slot else None,
            gpus_per_task=settings.gpus_per_task,
            rules=of_table(settings.rules, definition.table),
        )
    return stages


def open_lake(settings: RunSettings, to_write: bool = True) -> Lake:
    """Return the lake; the session starts as soon as something needs it, and at once if it is a platform's.

    Raises:
        LakeUnreadable: the lake is a file.
        LakeUnwritable: with `to_write`, nothing can be written there.
    """
    _require_sound(settings, to_write)
    return _lake(settings) if is_local(settings) else _started(settings)


def _require_sound(settings: RunSettings, to_write: bool) -> None:
    if not on_platform():
        _require_shared(settings, settings.master)
    for uri in (settings.lake_uri, settings.checkpoint_uri):
        require_writable(uri) if to_write else require_folder(uri)
    require_whole_logs(settings.lake_uri, to_write)


def _require_shared(settings: RunSettings, master: str) -> None:
    places = {"lake": settings.lake_uri, "folder of checkpoints": settings.checkpoint_uri}
    require_shared(places, master, settings.shared_folders)


def _lake(settings: RunSettings) -> Lake:
    return Lake(partial(_session, settings), settings.lake_uri, settings.checkpoint_uri)


def _started(settings: RunSettings) -> Lake:
    return Lake(_session(settings), settings.lake_uri, settings.checkpoint_uri)


def _session(settings: RunSettings) -> SparkSession:
    session = start_session(settings.master, settings.driver_memory, settings.needs_s3, settings.spark)
    _require_shared(settings, session.sparkContext.master or settings.master)
    return session


def run(
    settings: RunSettings,
    names: Sequence[str] | None = None,
    reporter: Reporter | None = None,
    lake: Lake | None = None,
) -> list[StageSummary]:
    """Bring the named stages (default: all of `run`) up to date, in order, and return what each did.

    With the stage `ingest` among them and a crawl set, the crawl is listed first and new images are added. Before that,
    every learned expert is loaded once, so that a wrong model name fails at once. At the end the recipes go live if
    their chain has caught up.

    Raises:
        CrawlUnreadable: the crawl is not there, or of a kind that is not read.
        LakeUnreadable: the first stage's upstream table does not exist, or has no row of the recipe to follow, or an
            earlier version ingested images that are not upright.
        ModelFailed: an expert does not load.
        TooManyFailures: a stage's share of failed rows is above `max_failure_rate`.
        RuleBroken: rows break a quality rule that ends the run.
        Stopped: Java or a worker was killed, or another command writes to the same stages.
        LakeUnwritable: the disk is full.
    """
    names = tuple(names or run_stages())
    return _work(settings, names, run_stage, reporter, lake)


def backfill_stages(
    settings: RunSettings,
    stage: str | None = None,
    reporter: Reporter | None = None,
    lake: Lake | None = None,
    selection: Selection | None = None,
) -> list[StageSummary]:
    """Write the rows that stages lack under these settings, and return what each did.

    Without `stage`, these are all stages of `run` but `ingest`, which would fetch refused images again; with it, that
    stage and the stages of `run` downstream of it. With a selection, other images are left as they are.

    Raises:
        UsageError: a selection for stage `ingest`, or one that cannot be used.
    """
    names = _to_backfill(stage, selection)
    if selection is None or selection.is_everything:
        return _work(settings, names, backfill, reporter, lake)
    return _work(settings, names, partial(backfill, selection=selection), reporter, lake)


def lacking_by_stage(
    settings: RunSettings,
    stage: str | None = None,
    selection: Selection | None = None,
    passing: Mapping[str, float] = MappingProxyType({}),
    lake: Lake | None = None,
) -> dict[str, int]:
    """Return for how many images a backfill would run each stage; nothing is written.

    What earlier stages would add is counted by `passing`: the share of the images that a stage
    deals with of those that the stage before it deals with, 1 where it is not given.
    """
    names, stages = _to_backfill(stage, selection), stages_of(settings)
    lacked = _lacked(settings, selection, lake)
    counts: dict[str, int] = {}
    for name in names:
        before = counts.get(definition_of(name).upstream, 0)
        counts[name] = lacked(stages[name]) + round(before * passing.get(name, 1.0))
    return counts


def _lacked(settings: RunSettings, selection: Selection | None, lake: Lake | None) -> Callable[[Stage], int]:
    """Return what counts the keys that a stage lacks: Spark in a session that is there or under a SQL condition."""
    if lake is not None or on_platform() or (selection and selection.where):
        opened = lake or open_lake(settings, to_write=False)
        return lambda stage: lacking(opened, stage, selection)
    _require_sound(settings, to_write=False)
    reader = LakeReader(settings.lake)
    return lambda stage: lacking_without_spark(reader, stage, selection)


def _to_backfill(stage: str | None, selection: Selection | None) -> tuple[str, ...]:
    if stage is None:
        return tuple(name for name in run_stages() if not definition_of(name).is_source)
    if definition_of(stage).is_source and selection is not None and not selection.is_everything:
        raise UsageError(
            f"Stage {stage} has no images yet to select from; backfill it whole, or name a stage after it with --stage."
        )
    return tuple(name for name in downstream_of(stage) if name == stage or name in run_stages())


def retry_stages(
    settings: RunSettings, stage: str | None = None, reporter: Reporter | None = None, lake: Lake | None = None
) -> list[StageSummary]:
    """Try the failed rows of one stage, or of every stage that has run, again; return what each did."""
    held, reporter = lake or open_lake(settings), reporter or SilentReporter()
    stages, failed = stages_of(settings), _failed(held)
    wanted = (definition_of(stage).name,) if stage else tuple(stages)
    names = tuple(name for name in wanted if (name, stages[name].recipe) in failed)
    shown = {} if names else recipe_book(held).current()
    for name in wanted:
        if name in shown and (name, shown[name]) in failed:
            raise UsageError(
                f"Stage {name} has failed rows of recipe {shown[name][:8]}, but these options give recipe "
                f"{stages[name].recipe[:8]}, which has none; leave out --experts, --set and --settings: "
                f"`spatiallake retry --stage {name} --lake {shown_uri(held)}`."
            )
    summaries = _work(settings, names, retry, reporter, lake) if names else []
    if not any(summary.rows_in for summary in summaries):
        reporter.say(f"No failed rows to retry{f' in stage {stage}' if stage else ''}.")
    elif any(summary.rows_out for summary in summaries):
        reporter.say(
            f"Run `spatiallake run --lake {shown_uri(held)}` to process the new rows in the stages that follow."
        )
    return summaries


def follow(settings: RunSettings, names: Sequence[str], reporter: Reporter, poll_seconds: float) -> None:
    """Run the named stages repeatedly until interrupted."""
    _crawl_of(settings, names)
    _require_sound(settings, to_write=True)
    lake = _started(settings)
    while True:
        try:
            run(settings, names, reporter, lake)
        except LakeBusy as busy:
            reporter.say(str(busy))
        time.sleep(poll_seconds)


def _work(
    settings: RunSettings, names: tuple[str, ...], work: Work, reporter: Reporter | None, lake: Lake | None
) -> list[StageSummary]:
    for name in names:
        definition_of(name)
    stages, reporter = stages_of(settings), reporter or SilentReporter()
    # Before Spark starts, which takes longer than looking at the lake and the crawl.
    if lake is None:
        _require_sound(settings, to_write=True)
    else:
        require_whole_logs(settings.lake_uri, to_write=True)
    require_upright(settings.lake_uri)
    crawl = _crawl_of(settings, names) if work is run_stage else None
    for sentence in said_before(stages[name] for name in names):
        reporter.say(sentence)
    small = _small(settings, [stages[name] for name in names], work, crawl) if lake is None else None
    lake = lake or (small.lake if small else _started(settings))
    with accidents(), writing(lake.uri, names, settings.store_locks), pool() as processes:
        if settings.rules:
            require_conditions(lake.session, settings.rules, [stages[name].target for name in names])
        remove_residues(lake.uri)
        devices = require_experts(lake, [stages[name] for name in names])
        reporter.experts(devices)
        stages = {name: replace(stage, device=devices.get(name)) for name, stage in stages.items()}
        if small:
            work = partial(small.work, pool=processes)
            if small.listing:
                append_small_listing(lake, small.listing, settings.shard_size)
        elif crawl:
            append_listing(lake, crawl, settings.shard_size)
        if any(definition_of(name).is_source for name in names):
            require_listed(lake)
        for name in names:
            if definition_of(name).is_source or definition_of(name).upstream not in names:
                _require_upstream(lake, stages, name)
        require_rows_above(lake, stages, names)
        options = StreamOptions(
            max_failure_rate=settings.max_failure_rate,
            on_batch=reporter.batch,
            on_rows=reporter.rows,
            on_begun=reporter.begun,
        )
        book = register(lake, stages, names)
        summaries = [_one(lake, stages[name], work, options, reporter) for name in names]
        # A finished run or whole backfill has processed everything upstream.
        caught_up = names if work in (run_stage, backfill) or (small and small.is_whole) else ()
        for sentence in (*go_live(lake, book, stages, names, caught_up), *said_after(summaries)):
            reporter.say(sentence)
    return summaries


@dataclass(frozen=True)
class _Small:
    """A run without Spark: its lake, what it does with a stage, and what its crawl lists."""

    lake: Lake
    work: Callable[..., StageSummary]
    listing: SmallListing | None
    is_whole: bool


def _small(settings: RunSettings, stages: list[Stage], work: Work, crawl: Layout | None) -> _Small | None:
    """Return how to run without Spark, or None if this work, these stages, this lake or this crawl need it."""
    # It imports pandas, which the help does without.
    from jobs.engine.small.stages import backfill_small, retry_small, run_small

    kinds: dict[Work, Callable[..., StageSummary]]
    kinds = {run_stage: run_small, backfill: backfill_small, retry: retry_small}
    lake, without = _lake(settings), kinds.get(work)
    if without is None or not can_be_small(settings, lake, stages):
        return None
    left = settings.max_images_without_spark - images_in(lake)
    listing = small_listing(lake, crawl, left) if crawl and left >= 0 else None
    if left < 0 or (crawl is not None and listing is None):
        return None
    return _Small(lake, without, listing, work is not retry)


def _one(lake: Lake, stage: Stage, work: Work, options: StreamOptions, reporter: Reporter) -> StageSummary:
    pending = _pending(lake, stage) if reporter.interactive and work is run_stage else None
    reporter.started(stage.name, pending)
    with accidents(f"Stage {stage.name}: "), model_failures():
        summary = work(lake, stage, options)
        if work is run_stage:
            close_gap(lake, stage, options, summary, reporter)
    reporter.finished(summary)
    return summary


def _crawl_of(settings: RunSettings, names: Sequence[str]) -> Layout | None:
    """Return the layout of the crawl to list, if any.

    Raises:
        CrawlUnreadable: nothing is there, or it is not a crawl.
    """
    wanted = settings.crawl and any(definition_of(name).is_source for name in names)
    if not settings.crawl or not wanted:
        return None
    after = last_listed(settings.lake_uri, settings.crawl) if settings.names_rise else None
    return crawl_layout(settings.crawl, ListingOptions(inventory=settings.inventory, after=after))


def _failed(lake: Lake) -> set[tuple[str, str]]:
    """Return the stages and recipes that have failed rows."""
    failed = matching_rows(lake.location(QUARANTINE), {"outcome": "failed"}, ["stage", "recipe"])
    return {(row["stage"], row["recipe"]) for row in failed}


def _require_upstream(lake: Lake, stages: dict[str, Stage], name: str) -> None:
    """Reject a stage whose upstream table has rows, but none of the recipe that it reads.

    Raises:
        LakeUnreadable: the upstream table does not exist, or has rows but none of this recipe.
    """
    stage = stages[name]
    lake.require(stage.upstream)
    location = lake.location(stage.upstream)
    if "recipe" not in stage.upstream.columns or count_rows(location, f"recipe = '{stage.upstream_recipe}'"):
        return
    upstream = stage.definition.upstream
    if not count_rows(location, "true") or lake.rows_seen(upstream, stage.upstream_recipe):
        return
    shown = recipe_book(lake).current().get(upstream, "unknown")
    uri = shown_uri(lake)
    wanted = stage.upstream_recipe[:8]
    raise LakeUnreadable(
        f"Stage {name} needs recipe {wanted} of stage {upstream}, but table {stage.upstream.name} has no row of it; "
        f"the current recipe is {shown[:8]}. To continue with {shown[:8]}, leave out --experts, --set and --settings: "
        f"`spatiallake {name} --lake {uri}`; to make {wanted}, run `spatiallake backfill --lake {uri}` with the "
        "options of this command."
    )


def _pending(lake: Lake, stage: Stage) -> int | None:
    """Return how many rows the stage has not read yet, judged by row counts."""
    if not lake.exists(stage.upstream):
        return None
    upstream = lake.read(stage.upstream)
    if "recipe" in upstream.columns:
        upstream = upstream.where(upstream.recipe == stage.upstream_recipe)
    return stage.writing.units(upstream, stage.keys[0]) - lake.rows_seen(stage.name, stage.recipe)
