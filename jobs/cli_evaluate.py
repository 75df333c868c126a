"""The command that scores predictions."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli_options import app


@app.command()
def evaluate(
    items: Annotated[str, typer.Option("--items", help="FORMAT:PATH of the questions with their true answers.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for scores, predictions and the page.")],
    predictions: Annotated[
        list[str] | None,
        typer.Option("--predictions", help="FORMAT:PATH or MODEL=FORMAT:PATH of what a model said; repeatable."),
    ] = None,
    training: Annotated[
        str | None, typer.Option("--training", help="FORMAT:PATH of items to fit baselines on. [the other items]")
    ] = None,
    write: Annotated[
        list[str] | None, typer.Option("--write", help="FORMAT:PATH to write the items to; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object of every score.")] = False,
) -> None:
    """Score answers of models against true ones, beside baselines that look at no picture."""
    from jobs import evaluate as evaluating
    from jobs.pages.leaderboard import leaderboard_markdown

    found = evaluating.evaluate(
        evaluating.place_of(items),
        [evaluating.place_of(one) for one in predictions or ()],
        out,
        evaluating.place_of(training) if training else None,
        [evaluating.place_of(one) for one in write or ()],
    )
    for row in found.rejected[:_SHOWN]:
        typer.echo(row.reason, err=True)
    if len(found.rejected) > _SHOWN:
        typer.echo(f"{len(found.rejected) - _SHOWN} more rows were left out; scores.json lists them.", err=True)
    if as_json:
        typer.echo(json.dumps(found.summary()))
        return
    typer.echo(leaderboard_markdown(found.scores, {item.source for item in found.items.items}))
    typer.echo(f"Open   {out / 'evaluation.html'}")


_SHOWN = 20
