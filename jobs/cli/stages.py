"""Commands that write tables: set-up, the whole engine, each stage, backfill and retry."""

from typing import Annotated

import typer

from jobs.cli.options import (
    CrawlOption,
    ExpertsOption,
    FollowOption,
    LakeOption,
    MasterOption,
    SetOption,
    SettingsOption,
    StageOption,
    app,
    settings_of,
)
from jobs.engine.backfill import backfill as write_owed
from jobs.engine.backfill import retry as retry_failed
from jobs.engine.batches import StreamOptions
from jobs.engine.environment import resolve_jars
from jobs.engine.errors import UsageError
from jobs.engine.pipeline import ENGINE_STAGES, STAGE_NAMES, open_lake, stages_of
from jobs.engine.pipeline import follow as keep_running
from jobs.engine.pipeline import run as run_once
from jobs.engine.preflight import model_failures, require_experts
from jobs.engine.progress import Reporter
from jobs.engine.settings import RunSettings


def _run_stages(names: tuple[str, ...], settings: RunSettings, follow_seconds: float | None) -> None:
    with Reporter() as reporter:
        if follow_seconds is None:
            run_once(settings, names, reporter)
        else:
            keep_running(settings, names, reporter, follow_seconds)


@app.command()
def setup(s3: Annotated[bool, typer.Option("--s3", help="Also the connector for lakes on S3.")] = False) -> None:
    """Download the jars that Spark needs, once; everything later works offline."""
    jars = resolve_jars(with_s3=s3)
    typer.echo(f"{len(jars)} jars ready.")


@app.command()
def run(
    lake: LakeOption,
    crawl: CrawlOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
    follow: FollowOption = None,
) -> None:
    """Run the whole engine: ingest, filter, context, depth, lift, disambiguate, synthesize, statistics."""
    merged = settings_of(lake, settings, set_, crawl=crawl, experts=experts, master=master)
    _run_stages(ENGINE_STAGES, merged, follow)


@app.command()
def ingest(
    lake: LakeOption,
    crawl: Annotated[str, typer.Option("--crawl", help="Folder, manifest or img2dataset output, local or s3://.")],
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
    follow: FollowOption = None,
) -> None:
    """Add a crawl's new photographs to `images`."""
    _run_stages(("ingest",), settings_of(lake, settings, set_, crawl=crawl, master=master), follow)


def _stage_command(name: str, help_text: str) -> None:
    def command(
        lake: LakeOption,
        experts: ExpertsOption = None,
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        _run_stages((name,), settings_of(lake, settings, set_, experts=experts, master=master), follow)

    app.command(name, help=help_text)(command)


_stage_command("filter", "Score every photograph: `images` -> `image_scores`.")
_stage_command("context", "Find masks, labels and captions: `image_scores` -> `regions`.")
_stage_command("depth", "Measure depth, intrinsics and gravity: `regions` -> `depths`.")
_stage_command("lift", "Lift to metric objects in a gravity-aligned frame: `depths` -> `scenes`.")
_stage_command("disambiguate", "Give every object an expression of its own: `scenes` -> `references`.")
_stage_command("synthesize", "Ask and answer: `references` -> `qa_pairs`.")
_stage_command("statistics", "Count answers: `qa_pairs` -> `qa_statistics`.")
_stage_command("examples", "Make rows to train from: `qa_pairs`, `images` -> `training_examples`; no part of `run`.")


def _owed(kind: str, lake: str, stage: str, merged: RunSettings) -> None:
    if stage not in STAGE_NAMES:
        raise UsageError(f"No stage {stage!r}; the stages are {', '.join(STAGE_NAMES)}.")
    with Reporter() as reporter:
        options = StreamOptions(merged.max_failure_rate, reporter.batch)
        work = write_owed if kind == "backfill" else retry_failed
        reporter.started(stage, None)
        opened, owing = open_lake(merged), stages_of(merged)[stage]
        reporter.experts(require_experts(opened.session, [owing]))
        with model_failures():
            reporter.finished(work(opened, owing, options))


@app.command()
def backfill(
    lake: LakeOption,
    stage: StageOption,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Write the rows that a stage lacks, such as those that newly pass a lowered threshold."""
    _owed("backfill", lake, stage, settings_of(lake, settings, set_, experts=experts, master=master))


@app.command()
def retry(
    lake: LakeOption,
    stage: StageOption,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Try a stage's failed rows again, and no others."""
    _owed("retry", lake, stage, settings_of(lake, settings, set_, experts=experts, master=master))
