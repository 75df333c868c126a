"""Commands that write tables: set-up, the whole engine, each stage, backfill, retry and recipes."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.options import (
    CrawlOption,
    ExpertsOption,
    FollowOption,
    LakeOption,
    MasterOption,
    NamedLakeOption,
    SetOption,
    SettingsOption,
    app,
)
from jobs.engine.errors import EnvironmentMissing, UsageError
from jobs.engine.outlines import Outline, stage_outlines

if TYPE_CHECKING:
    from jobs.engine.selection import Selection
    from jobs.engine.settings import RunSettings

StageOption = Annotated[str | None, typer.Option("--stage", help="Stage to work on; all unless given.")]
_OUTLINES = stage_outlines()
_RUN_STAGES = tuple(outline.name for outline in _OUTLINES if outline.in_run)
_REMEMBERED = "Without --experts, --set and --settings a lake keeps the settings of its current recipes."


def _settings(
    lake: str | None, settings: str | None, overrides: list[str] | None, recipe: str | None = None, **flags: str | None
) -> "RunSettings":
    from jobs.engine.memory import remembered_settings
    from jobs.engine.settings import lake_named, load_settings

    named = lake_named(lake, settings, overrides or [])
    remembered = remembered_settings(named, recipe)
    return load_settings({"lake": named, **flags}, settings, overrides or [], remembered)


def _run_stages(names: tuple[str, ...], settings: "RunSettings", follow_seconds: float | None) -> None:
    from jobs.engine.pipeline import follow, run
    from jobs.engine.progress import Reporter

    with Reporter() as reporter:
        if follow_seconds is None:
            run(settings, names, reporter)
        else:
            follow(settings, names, reporter, follow_seconds)


@app.command()
def setup(
    s3: Annotated[bool, typer.Option("--s3", help="Also download the connector for lakes on S3.")] = False,
) -> None:
    """Download the jars that Spark needs, once, and prepare its start; everything later works offline."""
    from jobs.engine.class_archive import make_archive
    from jobs.engine.environment import resolve_jars

    jars = resolve_jars(with_s3=s3)
    typer.echo(f"{len(jars)} jars ready.")
    try:
        make_archive(typer.echo)
    except (EnvironmentMissing, OSError) as error:
        # Sessions start without it, only later.
        typer.echo(f"spatiallake: Spark will start more slowly: {error}", err=True)


@app.command(help=f"Run the whole engine: {', '.join(_RUN_STAGES)}. {_REMEMBERED}")
def run(
    lake: NamedLakeOption = None,
    crawl: CrawlOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
    follow: FollowOption = None,
) -> None:
    """Run every stage that is part of the engine."""
    merged = _settings(lake, settings, set_, crawl=crawl, experts=experts, master=master)
    _run_stages(_RUN_STAGES, merged, follow)


def _source_command(outline: Outline) -> None:
    def command(
        lake: NamedLakeOption = None,
        crawl: CrawlOption = None,
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        merged = _settings(lake, settings, set_, crawl=crawl, master=master)
        if merged.crawl is None:
            raise UsageError(
                "Name a crawl: --crawl CRAWL, SPATIALLAKE_CRAWL, or `crawl: CRAWL` in a file of --settings."
            )
        _run_stages((outline.name,), merged, follow)

    app.command(outline.name, help=outline.help)(command)


def _stage_command(outline: Outline) -> None:
    def command(
        lake: NamedLakeOption = None,
        experts: ExpertsOption = None,
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        _run_stages((outline.name,), _settings(lake, settings, set_, experts=experts, master=master), follow)

    app.command(outline.name, help=outline.help)(command)


def _examples_command(outline: Outline) -> None:
    def command(
        lake: NamedLakeOption = None,
        reasoning: Annotated[
            bool,
            typer.Option(
                "--reasoning",
                help=f"Write {_THOUGHTS} composed questions per image with their chain of thought, too; "
                "examples.reasoning sets another number.",
            ),
        ] = False,
        experts: ExpertsOption = None,
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        asked = [f"examples.reasoning={_THOUGHTS}", *(set_ or ())] if reasoning else set_
        merged = _settings(lake, settings, asked, experts=experts, master=master)
        _run_stages((outline.name,), merged, follow)

    app.command(outline.name, help=outline.help)(command)


_THOUGHTS = 4
_OWN_COMMANDS = {"examples": _examples_command}
for _outline in _OUTLINES:
    _command = _source_command if _outline.is_source else _stage_command
    _OWN_COMMANDS.get(_outline.name, _command)(_outline)


@app.command()
def backfill(
    lake: NamedLakeOption = None,
    stage: StageOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Recipe to finish, as `spatiallake recipes` lists it.")
    ] = None,
    crawl: Annotated[
        str | None,
        typer.Option("--crawl", help="Only images of this crawl, written exactly as in the --crawl that added it."),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Only images listed on this day (UTC) or later."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Only images listed on this day (UTC) or earlier."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", help='Only images that meet this SQL condition, such as "width >= 640".'),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print rows, bytes, hours and cost instead of writing.")
    ] = False,
) -> None:
    """Write missing rows: those of a new recipe, or those that pass a lowered threshold.

    Covers all stages of `run` after `ingest`, or --stage and the stages downstream of it. A new recipe is shown once it
    has caught up, which is when all images are done under it.
    """
    from jobs.engine.pipeline import backfill_stages
    from jobs.engine.progress import Reporter
    from jobs.engine.selection import Selection

    merged = _settings(lake, settings, set_, recipe, experts=experts, master=master)
    selection = Selection(crawl, first.date() if first else None, last.date() if last else None, where)
    if dry_run:
        _print_work(merged, stage, selection)
        return
    with Reporter() as reporter:
        backfill_stages(merged, stage, reporter, selection=selection)


def _print_work(settings: "RunSettings", stage: str | None, selection: "Selection") -> None:
    from rich.console import Console

    from jobs.engine.pipeline import lacking_by_stage
    from jobs.engine.small.limits import allow_small
    from jobs.views.planning import Fleet, pilot_of, print_plan, work_of
    from jobs.views.reader import LakeReader

    pilot = pilot_of(LakeReader(settings.lake), finished=False)
    counts = lacking_by_stage(settings, stage, selection, pilot.passing)
    if not any(counts.values()):
        typer.echo("Nothing to write: every stage has dealt with all of these images under these settings.")
        return
    fleet = Fleet(without_spark=allow_small(settings, pilot.listed))
    print_plan(work_of(counts, settings.profile(), fleet, pilot), Console())


@app.command()
def retry(
    lake: NamedLakeOption = None,
    stage: StageOption = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Retry the rows that failed, and no others."""
    from jobs.engine.pipeline import retry_stages
    from jobs.engine.progress import Reporter

    merged = _settings(lake, settings, set_, experts=experts, master=master)
    with Reporter() as reporter:
        retry_stages(merged, stage, reporter)


recipes_app = typer.Typer(help="List a lake's recipes, or make another one live.")
app.add_typer(recipes_app, name="recipes")


@recipes_app.callback(invoke_without_command=True)
def recipes(
    context: typer.Context,
    lake: Annotated[
        str | None, typer.Option("--lake", envvar="SPATIALLAKE_LAKE", help="Folder or s3:// prefix of the lake.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="All settings of each recipe, as JSON.")] = False,
) -> None:
    """List recipes by stage: live, pending or old, with the settings that set each apart."""
    if context.invoked_subcommand is not None:
        return
    if lake is None:
        raise UsageError("Name a lake: `spatiallake recipes --lake LAKE`.")
    from jobs.views.reader import LakeReader
    from jobs.views.recipes import print_recipes

    print_recipes(LakeReader(lake), sys.stdout, full)


@recipes_app.command()
def use(
    recipe: Annotated[str, typer.Argument(help="Recipe, or a prefix of its hash.")],
    lake: LakeOption,
    master: MasterOption = None,
) -> None:
    """Make a recipe live with its whole chain: those that it was made from, and those built on it.

    It may be newer or older than the live one, but has to have caught up. No row changes.
    """
    from jobs.engine.going_live import use as show_recipe
    from jobs.engine.locks import writing
    from jobs.engine.pipeline import open_lake
    from jobs.engine.settings import load_settings

    settings = load_settings({"lake": lake, "master": master}, None, [])
    opened = open_lake(settings)
    with writing(opened.uri, ("recipes",), settings.store_locks):
        for sentence in show_recipe(opened, recipe):
            typer.echo(sentence)
