"""Commands that train models."""

from typing import Annotated

import typer

from jobs.cli_options import app
from jobs.errors import EnvironmentMissing, UsageError


@app.command("train-experts")
def train_experts(
    out: Annotated[str, typer.Option("--out", help="Folder of checkpoints, weights and MLflow's database.")],
    crawl: Annotated[
        list[str] | None, typer.Option("--crawl", help="RGB-D crawl: a folder or a manifest; repeatable.")
    ] = None,
    lake: Annotated[
        list[str] | None, typer.Option("--lake", help="Lake whose images to learn from; repeatable.")
    ] = None,
    held_out: Annotated[
        str | None, typer.Option("--held-out", help="Crawl to calibrate and measure on, never learned from.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="Checkpoint or weights to start from. [nothing]")] = None,
    width: Annotated[int, typer.Option("--width", help="Pixels of the pictures learned from.")] = 192,
    height: Annotated[int, typer.Option("--height", help="Pixels of the pictures learned from.")] = 144,
    warm_up: Annotated[int, typer.Option("--warm-up", help="Updates until the largest learning rate.")] = 300,
    cooldown: Annotated[float, typer.Option("--cooldown", help="Share of the updates in which the rate falls.")] = 0.35,
    steps: Annotated[int, typer.Option("--steps", help="Updates of the weights.")] = 6000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0,
    batch: Annotated[int, typer.Option("--batch", help="Pictures per update.")] = 16,
    replicas: Annotated[int, typer.Option("--replicas", help="Threads, each with a part of the batch.")] = 2,
) -> None:
    """Train the built-in networks; a killed run goes on where its last checkpoint was."""
    try:
        from jobs.train_experts import WEIGHTS
        from jobs.train_experts import train_experts as run
    except ModuleNotFoundError as error:
        raise EnvironmentMissing(
            f"Training needs {error.name}; install the extra with `pip install 'spatiallake[scenes,training]'`."
        ) from error
    from jobs.builtin.settings import TrainSettings

    settings = TrainSettings(
        out=out,
        crawls=tuple(crawl or ()),
        lakes=tuple(lake or ()),
        held_out=held_out,
        start=start,
        width=width,
        height=height,
        warm_up=warm_up,
        cooldown=cooldown,
        steps=steps,
        seed=seed,
        batch=batch,
        replicas=replicas,
    )
    for name, value in run(settings, typer.echo).items():
        typer.echo(f"{name}: {value:.4g}")
    typer.echo(f"Weights: {out}/{WEIGHTS}")


@app.command()
def general(
    crawl: Annotated[str, typer.Option("--crawl", help="Crawl of rendered rooms: the folder of a manifest.jsonl.")],
    out: Annotated[str, typer.Option("--out", help="Folder that train.json and test.json are written to.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0,
    most: Annotated[int, typer.Option("--most", help="Questions of a kind in a split, at most.")] = 2000,
) -> None:
    """Ask general questions about rendered rooms: color, count, existence, category; as LLaVA JSON."""
    from vlm.mixture.errors import MixtureError
    from vlm.mixture.rooms import RoomQuestionSettings, write_room_questions

    try:
        counts = write_room_questions(crawl, out, RoomQuestionSettings(seed=seed, most=most))
    except MixtureError as error:
        raise UsageError(str(error)) from error
    for name, count in sorted(counts.items()):
        typer.echo(f"{name}: {count}")
