"""The command that holds answers against exact geometry."""

from typing import Annotated

import typer

from jobs.cli.options import ExpertsOption, SetOption, SettingsOption, app, settings_of


@app.command()
def truth(
    crawl: Annotated[str, typer.Option("--crawl", help="Manifest of photographs with depth and instances.")],
    against: Annotated[
        str | None, typer.Option("--against", help="Manifest of the same with exact truth. [crawl]")
    ] = None,
    experts: ExpertsOption = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Photographs. [all]")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object per choice of slots, all learned last.")
    ] = False,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Show which expert is worth replacing: answers against exact geometry, each slot true or learned in turn."""
    from jobs.views import truth as judging

    merged = settings_of(".", settings, set_, experts=experts)
    lines = judging.truth(merged, crawl, against, limit)
    for line in judging.as_json(lines) if as_json else judging.as_tables(lines):
        typer.echo(line)
