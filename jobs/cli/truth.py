"""The `truth` command."""

from typing import Annotated

import typer

from jobs.cli.options import ExpertsOption, SetOption, SettingsOption, app, settings_of


@app.command()
def truth(
    crawl: Annotated[str, typer.Option("--crawl", help="Manifest of images with depth and instances.")],
    against: Annotated[
        str | None,
        typer.Option("--against", help="Manifest of the same images with exact ground truth; --crawl unless given."),
    ] = None,
    experts: ExpertsOption = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Maximum number of images; all unless given.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per ablation; the fully learned pipeline is last.")
    ] = False,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Oracle ablation: replace masks, depth and gravity by ground truth one at a time and report answer accuracy."""
    from jobs.views import truth as ablation

    merged = settings_of(".", settings, set_, experts=experts)
    lines = ablation.truth(merged, crawl, against, limit)
    for line in ablation.as_json(lines) if as_json else ablation.as_tables(lines):
        typer.echo(line)
