"""Commands that write tables: set-up, the whole engine, each stage, backfill, retry and recipes."""

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
    app,
    settings_of,
)
from jobs.engine.environment import resolve_jars
from jobs.engine.pipeline import backfill_stages, retry_stages
from jobs.engine.pipeline import follow as keep_running
from jobs.engine.pipeline import run as run_once
from jobs.engine.progress import Reporter
from jobs.engine.registry import run_stages, stage_definitions
from jobs.engine.settings import RunSettings
from jobs.engine.stage import StageDefinition

StageOption = Annotated[str | None, typer.Option("--stage", help="Stage to work on. [all]")]
_REMEMBERED = "Without --experts, --set and --settings a lake keeps the settings of its current recipes."


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


@app.command(help=f"Run the whole engine: {', '.join(run_stages())}. {_REMEMBERED}")
def run(
    lake: LakeOption,
    crawl: CrawlOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
    follow: FollowOption = None,
) -> None:
    """Run every stage that is part of the engine."""
    merged = settings_of(lake, settings, set_, crawl=crawl, experts=experts, master=master)
    _run_stages(run_stages(), merged, follow)


def _source_command(definition: StageDefinition) -> None:
    def command(
        lake: LakeOption,
        crawl: Annotated[str, typer.Option("--crawl", help="Folder, manifest or img2dataset output, local or s3://.")],
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        _run_stages((definition.name,), settings_of(lake, settings, set_, crawl=crawl, master=master), follow)

    app.command(definition.name, help=definition.help)(command)


def _stage_command(definition: StageDefinition) -> None:
    def command(
        lake: LakeOption,
        experts: ExpertsOption = None,
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        _run_stages((definition.name,), settings_of(lake, settings, set_, experts=experts, master=master), follow)

    app.command(definition.name, help=definition.help)(command)


for _definition in stage_definitions().values():
    _source_command(_definition) if _definition.is_source else _stage_command(_definition)


@app.command()
def backfill(
    lake: LakeOption,
    stage: StageOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Write the rows that stages lack: of a new recipe, or those that newly pass a lowered threshold.

    All stages of `run` after `ingest`, or --stage and those downstream of it. A new recipe is shown
    once it has caught up.
    """
    merged = settings_of(lake, settings, set_, experts=experts, master=master)
    with Reporter() as reporter:
        backfill_stages(merged, stage, reporter)


@app.command()
def retry(
    lake: LakeOption,
    stage: StageOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Try failed rows again, and no others."""
    merged = settings_of(lake, settings, set_, experts=experts, master=master)
    with Reporter() as reporter:
        retry_stages(merged, stage, reporter)
