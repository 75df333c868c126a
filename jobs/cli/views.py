"""The commands `render`, `preview`, `view`, `report`, `episodes`, `sequence-examples`, `sql`, `drift` and `demo`."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import LakeOption, MasterOption, app, settings_of
from jobs.engine.errors import UsageError
from jobs.engine.lake_folder import require_lake

SQL_ENGINES = ("duckdb", "spark")


@app.command()
def render(
    out: Annotated[str, typer.Option("--out", help="Folder or URI to write the crawl to.")],
    count: Annotated[int, typer.Option("--count", help="Number of rooms.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    width: Annotated[int, typer.Option("--width", help="Image width in px.")] = 640,
    height: Annotated[int, typer.Option("--height", help="Image height in px.")] = 480,
    frames: Annotated[int, typer.Option("--frames", help="Images per room, along a camera path.")] = 1,
    rooms: Annotated[
        list[str] | None, typer.Option("--room", help="Kind of room; repeatable; all kinds unless given.")
    ] = None,
    depth_noise: Annotated[float, typer.Option("--depth-noise", help="Relative noise (1 sigma) of the depth.")] = 0.0,
    min_object: Annotated[int, typer.Option("--min-object", help="Minimum visible pixels of a listed object.")] = 100,
    mask_bleed: Annotated[int, typer.Option("--mask-bleed", help="Grow the masks by this many px.")] = 0,
    doorways: Annotated[bool, typer.Option("--doorways", help="Give every room a doorway.")] = False,
    master: MasterOption = None,
) -> None:
    """Render synthetic rooms with exact ground truth as a crawl."""
    from jobs.engine.joining import on_platform
    from jobs.engine.session import start_session
    from jobs.views.render import render as render_crawl
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
        min_object_px=min_object,
        mask_bleed_px=mask_bleed,
        doorways=doorways,
    )
    session = start_session(master or "local[*]") if master or on_platform() else None
    summary = render_crawl(settings, session)
    typer.echo(f"{summary.manifest}: {summary.images} images of {summary.rooms} rooms, {summary.objects} objects.")


@app.command()
def preview(
    lake: LakeOption,
    out: Annotated[str, typer.Option("--out", help="HTML file to write.")] = "preview.html",
    limit: Annotated[int, typer.Option("--limit", help="Maximum number of images.")] = 24,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the sample of images.")] = 0,
    image: Annotated[list[str] | None, typer.Option("--image", help="Image id or a prefix; repeatable.")] = None,
    beside: Annotated[
        str | None, typer.Option("--beside", help="A second lake to compare with, image by image.")
    ] = None,
) -> None:
    """Write a page with images, masks, boxes, floor plans and questions."""
    require_lake(lake)
    from jobs.views.preview import write_preview

    typer.echo(str(write_preview(lake, out, limit, seed, image, beside)))


@app.command()
def view(
    lake: LakeOption,
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = 8010,
    per_page: Annotated[int, typer.Option("--per-page", min=1, max=200, help="Images on a page.")] = 24,
    beside: Annotated[
        str | None, typer.Option("--beside", help="A second lake to compare with, image by image.")
    ] = None,
) -> None:
    """Open a lake of any size in the browser: the pages of `preview` for all images, made as you turn them."""
    require_lake(lake)
    from jobs.serving.viewing import view as serve_pages

    serve_pages(lake, beside, port, per_page, partial(typer.echo, err=True))


@app.command()
def report(
    lake: LakeOption,
    out: Annotated[str, typer.Option("--out", help="HTML file to write.")] = "report.html",
    compare: Annotated[
        tuple[str, str] | None, typer.Option("--compare", help="Two recipes of one stage to compare.")
    ] = None,
) -> None:
    """Print every stage's yield and why it dropped rows, and write both as a page with plots."""
    require_lake(lake)
    from jobs.views.report import write_report

    typer.echo(str(write_report(lake, out, compare=compare)))


@app.command()
def episodes(
    lake: LakeOption,
    out: Annotated[str, typer.Option("--out", help="HTML file to write.")] = "episodes.html",
    limit: Annotated[int, typer.Option("--limit", help="Maximum number of plots.")] = 100,
) -> None:
    """Write a page with the distance, contact and progress of every robot episode."""
    require_lake(lake)
    from jobs.views.episodes import write_episodes_page

    typer.echo(str(write_episodes_page(lake, out, limit)))


@app.command("sequence-examples")
def sequence_examples(
    lake: LakeOption,
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    split: Annotated[str, typer.Option("--split", help="train, validation or test.")] = "train",
    max_side: Annotated[
        int, typer.Option("--max-side", min=16, help="Longest side of the images, px; none is enlarged.")
    ] = 512,
) -> None:
    """Write the questions about several views as conversations with several images, to train on."""
    from jobs.views.reader import LakeReader
    from jobs.views.sequence_examples import write_sequence_examples

    count = write_sequence_examples(LakeReader(lake), out, split, max_side)
    typer.echo(f"{out}: {count:,} questions about several images.")


@app.command()
def sql(
    query: Annotated[
        str, typer.Argument(help="SQL query; table NAME has the current recipe's rows, NAME_all those of all recipes.")
    ],
    lake: LakeOption,
    format_: Annotated[
        str | None, typer.Option("--format", help="Output format: table, csv or json; table unless given.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", help="Maximum number of rows, 0 for all; unless given, 100, or all with --out."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write in place of printing: .csv, .json or .parquet.")
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="What runs the query: duckdb, or spark for all of Spark's SQL.")
    ] = "duckdb",
    master: MasterOption = None,
) -> None:
    """Run SQL over the lake's tables."""
    if engine not in SQL_ENGINES:
        raise UsageError(f"No engine {engine!r}; the engines are {' and '.join(SQL_ENGINES)}.")
    from jobs.views.answers import format_of

    output = format_of(out, format_) if out else format_ or "table"
    rows = (0 if out else 100) if limit is None else limit
    require_lake(lake)
    if engine == "duckdb" and master is None:
        from jobs.views.embedded_sql import run_embedded

        _say_written(run_embedded(lake, query, output, rows, out), lake, out)
        return
    from jobs.engine.pipeline import open_lake
    from jobs.views.sql import run_sql

    opened = open_lake(settings_of(lake, None, None, master=master), to_write=False)
    _say_written(run_sql(opened.session, opened.uri, query, output, rows, out), lake, out)


def _say_written(rows: int, lake: str, out: Path | None) -> None:
    if out is not None:
        from jobs.engine.exports import note_export

        note_export(lake, "answer of a query", str(out))
        typer.echo(f"{out}: {rows:,} row{'' if rows == 1 else 's'}.")


@app.command()
def drift(
    a: Annotated[str, typer.Argument(help="Crawl, day (2026-11-30) or recipe of the lake; without --lake, a lake.")],
    b: Annotated[str, typer.Argument(help="What to compare it with, named likewise.")],
    lake: Annotated[
        str | None,
        typer.Option("--lake", help="Folder or s3:// prefix of the lake; without it, A and B are two lakes."),
    ] = None,
    max_distance: Annotated[
        float,
        typer.Option(
            "--max-distance",
            min=0.0,
            max=1.0,
            help="Jensen-Shannon distance (0 to 1) from which on a change is drift, if its p is also below --alpha.",
        ),
    ] = 0.1,
    alpha: Annotated[
        float, typer.Option("--alpha", min=0.0, max=1.0, help="False discovery rate of the chi-square tests.")
    ] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object in place of the table.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="JSON file to also write.")] = None,
    fail: Annotated[bool, typer.Option("--fail", help="End with exit code 11 if something drifted.")] = False,
) -> None:
    """Compare yields, drop reasons and answers of two crawls, days or recipes of a lake, or of two lakes."""
    from jobs.views.drift import drift as compare
    from jobs.views.drift import print_drift

    found = compare(a, b, lake, max_distance, alpha)
    text = json.dumps(found.summary(), ensure_ascii=False)
    if out is not None:
        out.write_text(f"{text}\n", encoding="utf-8")
    if as_json:
        typer.echo(text)
    else:
        print_drift(found, sys.stdout)
    if fail:
        found.require_none()


@app.command()
def demo(
    lake: Annotated[str, typer.Option("--lake", help="Folder of the lake to create.")] = "demo-lake",
    rooms: Annotated[int, typer.Option("--rooms", help="Number of rooms.")] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 1,
) -> None:
    """Render rooms, run the engine on their images alone, and show answers, a chain of thought and a training run."""
    from jobs.demo.story import demo as run_demo
    from jobs.engine.progress import Reporter

    with Reporter() as reporter:
        told = run_demo(lake, rooms, seed, reporter)
    typer.echo("")
    for line in told:
        typer.echo(f"{line.about:12} {line.text}".rstrip())
