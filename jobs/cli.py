"""The `spatiallake` command."""

import sys
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from jobs.errors import SpatialLakeError, UsageError

app = typer.Typer(
    help="Turn crawls of photographs into metric spatial questions and answers, in Delta tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LakeOption = Annotated[
    str, typer.Option("--lake", envvar="SPATIALLAKE_LAKE", help="Folder or s3:// prefix of the lake.")
]
CrawlOption = Annotated[
    str | None, typer.Option("--crawl", help="Folder, manifest or img2dataset output, local or s3://.")
]
ExpertsOption = Annotated[str | None, typer.Option("--experts", help="Expert profile, or a YAML file of one. [sensor]")]
SettingsOption = Annotated[str | None, typer.Option("--settings", help="YAML file of settings.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, such as lift.min_points=30; repeatable.")
]
MasterOption = Annotated[str | None, typer.Option("--master", help="Spark master. [local[*]]")]
FollowOption = Annotated[
    float | None, typer.Option("--follow", help="Keep running; look for new rows every so many seconds.")
]
StageOption = Annotated[str, typer.Option("--stage", help="Stage to work on.")]


def _settings(lake: str, settings: str | None, overrides: list[str] | None, **flags: Any) -> Any:
    from jobs.settings import load_settings

    return load_settings({"lake": lake, **flags}, settings, overrides or [])


def _run_stages(names: tuple[str, ...], settings: Any, follow_seconds: float | None) -> None:
    from jobs.pipeline import follow, run
    from jobs.progress import Reporter

    with Reporter() as reporter:
        if follow_seconds is None:
            run(settings, names, reporter)
        else:
            follow(settings, names, reporter, follow_seconds)


@app.command()
def setup(s3: Annotated[bool, typer.Option("--s3", help="Also the connector for lakes on S3.")] = False) -> None:
    """Download the jars that Spark needs, once; everything later works offline."""
    from jobs.environment import resolve_jars

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
    from jobs.pipeline import STAGE_NAMES

    merged = _settings(lake, settings, set_, crawl=crawl, experts=experts, master=master)
    _run_stages(STAGE_NAMES, merged, follow)


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
    _run_stages(("ingest",), _settings(lake, settings, set_, crawl=crawl, master=master), follow)


def _stage_command(name: str, help_text: str) -> None:
    def command(
        lake: LakeOption,
        experts: ExpertsOption = None,
        settings: SettingsOption = None,
        set_: SetOption = None,
        master: MasterOption = None,
        follow: FollowOption = None,
    ) -> None:
        _run_stages((name,), _settings(lake, settings, set_, experts=experts, master=master), follow)

    app.command(name, help=help_text)(command)


_stage_command("filter", "Score every photograph: `images` -> `image_scores`.")
_stage_command("context", "Find masks, labels and captions: `image_scores` -> `regions`.")
_stage_command("depth", "Measure depth, intrinsics and gravity: `regions` -> `depths`.")
_stage_command("lift", "Lift to metric objects in a gravity-aligned frame: `depths` -> `scenes`.")
_stage_command("disambiguate", "Give every object an expression of its own: `scenes` -> `references`.")
_stage_command("synthesize", "Ask and answer: `references` -> `qa_pairs`.")
_stage_command("statistics", "Count answers: `qa_pairs` -> `qa_statistics`.")


def _owed(kind: str, lake: str, stage: str, merged: Any) -> None:
    from jobs import backfill as owed
    from jobs.pipeline import STAGE_NAMES, open_lake, stages_of
    from jobs.progress import Reporter
    from jobs.stream import StreamOptions

    if stage not in STAGE_NAMES:
        raise UsageError(f"No stage {stage!r}; the stages are {', '.join(STAGE_NAMES)}.")
    with Reporter() as reporter:
        options = StreamOptions(merged.max_failure_rate, reporter.batch)
        work = owed.backfill if kind == "backfill" else owed.retry
        reporter.started(stage, None)
        reporter.finished(work(open_lake(merged), stages_of(merged)[stage], options))


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
    _owed("backfill", lake, stage, _settings(lake, settings, set_, experts=experts, master=master))


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
    _owed("retry", lake, stage, _settings(lake, settings, set_, experts=experts, master=master))


@app.command()
def render(
    out: Annotated[str, typer.Option("--out", help="Folder or URI that the crawl is written to.")],
    count: Annotated[int, typer.Option("--count", help="Rooms.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0,
    width: Annotated[int, typer.Option("--width", help="Pixels.")] = 640,
    height: Annotated[int, typer.Option("--height", help="Pixels.")] = 480,
    frames: Annotated[int, typer.Option("--frames", help="Photographs per room, along a camera path.")] = 1,
    rooms: Annotated[list[str] | None, typer.Option("--room", help="Kind of room; repeatable. [all]")] = None,
    depth_noise: Annotated[float, typer.Option("--depth-noise", help="Noise of the depth files / depth.")] = 0.0,
    mask_bleed: Annotated[int, typer.Option("--mask-bleed", help="Pixels that masks are grown by.")] = 0,
    master: MasterOption = None,
) -> None:
    """Render rooms with exact truth, as a crawl."""
    from jobs.render import render as render_crawl
    from jobs.session import start_session
    from scenes.settings import ROOM_KINDS, RenderSettings

    settings = RenderSettings(
        out=out,
        count=count,
        seed=seed,
        width=width,
        height=height,
        frames=frames,
        rooms=tuple(rooms) if rooms else ROOM_KINDS,  # pyright: ignore[reportArgumentType]
        depth_noise_rel=depth_noise,
        mask_bleed_px=mask_bleed,
    )
    summary = render_crawl(start_session(master or "local[*]"), settings)
    typer.echo(f"{summary.manifest}: {summary.photographs} photographs of {summary.rooms} rooms, {summary.objects} objects.")


@app.command()
def preview(
    lake: LakeOption,
    out: Annotated[str, typer.Option("--out", help="Page to write.")] = "preview.html",
    limit: Annotated[int, typer.Option("--limit", help="Photographs.")] = 24,
    seed: Annotated[int, typer.Option("--seed", help="Chooses which photographs.")] = 0,
    image: Annotated[list[str] | None, typer.Option("--image", help="Photograph id or its beginning; repeatable.")] = None,
) -> None:
    """Write a page with photographs, masks, boxes, floor plans and their questions."""
    from jobs.preview import write_preview

    typer.echo(str(write_preview(lake, out, limit, seed, image)))


@app.command()
def report(
    lake: LakeOption, out: Annotated[str, typer.Option("--out", help="Page to write.")] = "report.html"
) -> None:
    """Print the yield of every stage with the reason of every drop, and write it as a page with plots."""
    from jobs.report import write_report

    typer.echo(str(write_report(lake, out)))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="Query; every table is a view of its current recipe, NAME_all of all.")],
    lake: LakeOption,
    format_: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    limit: Annotated[int, typer.Option("--limit", help="Rows to print.")] = 100,
    master: MasterOption = None,
) -> None:
    """Run SQL over the lake's tables."""
    from jobs.pipeline import open_lake
    from jobs.sql import run_sql

    opened = open_lake(_settings(lake, None, None, master=master))
    run_sql(opened.session, opened.uri, query, format_, limit)


@app.command()
def demo(
    lake: Annotated[str, typer.Option("--lake", help="Folder to make.")] = "demo-lake",
    rooms: Annotated[int, typer.Option("--rooms", help="Rooms to render.")] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 1,
) -> None:
    """Render rooms, run the whole engine on them, and name the page to open."""
    from jobs.demo import demo as run_demo
    from jobs.progress import Reporter

    with Reporter() as reporter:
        preview_page, report_page = run_demo(lake, rooms, seed, reporter)
    typer.echo(f"\nOpen   {preview_page}\n       {report_page}\nNext   {_next_command(lake)}")


def _next_command(lake: str) -> str:
    query = "SELECT type_id, count(*) AS answers FROM qa_pairs GROUP BY type_id ORDER BY type_id"
    return f'uv run spatiallake sql "{query}" --lake {lake}'


def main() -> None:
    """Run the command; failures end in one sentence and an exit code of their own."""
    try:
        app()
    except SpatialLakeError as error:
        typer.echo(f"spatiallake: {error}", err=True)
        sys.exit(error.exit_code)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        typer.echo(f"spatiallake: {faults}", err=True)
        sys.exit(UsageError.exit_code)


if __name__ == "__main__":
    main()
