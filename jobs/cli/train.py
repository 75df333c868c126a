"""Commands that train models."""

from typing import Annotated

import typer

from jobs.cli.options import SettingsOption, app
from jobs.engine.errors import EnvironmentMissing, UsageError


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
        from vlm.builtin.train_experts import WEIGHTS
        from vlm.builtin.train_experts import train_experts as run
    except ModuleNotFoundError as error:
        raise EnvironmentMissing(
            f"Training needs {error.name}; install the extra with `pip install 'spatiallake[scenes,training]'`."
        ) from error
    from vlm.builtin.settings import TrainSettings

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
def train(
    out: Annotated[str, typer.Option("--out", help="Folder of checkpoints and of the trained model.")],
    lake: Annotated[
        str | None, typer.Option("--lake", envvar="SPATIALLAKE_LAKE", help="Lake with training_examples. [none]")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Folder or id of an image-text-to-text model.")] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Commit of the id.")] = None,
    tower: Annotated[str | None, typer.Option("--tower", help="Folder of a vision model, to join.")] = None,
    decoder: Annotated[str | None, typer.Option("--decoder", help="Folder of a language model, to join.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Version of training_examples. [latest]")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Updates of the weights. [1000]")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Examples of an update, of all ranks. [16]")] = None,
    micro_batch: Annotated[int | None, typer.Option("--micro-batch", help="Examples computed at once.")] = None,
    rate: Annotated[float | None, typer.Option("--learning-rate", help="Largest learning rate. [2e-4]")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Loader processes per rank. [1]")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every random choice. [0]")] = None,
    settings: SettingsOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting, such as model.sequence.packing=true; repeatable."),
    ] = None,
) -> None:
    """Train a vision-language model; a killed run goes on where its last checkpoint was.

    Many processes: `torchrun --nproc-per-node 8 -m spatiallake train ...`, or `accelerate launch` alike.
    """
    from jobs.train import train as run

    flags = {
        "out": out,
        "lake": lake,
        "feed": {"version": version},
        "model": {"model": model, "revision": revision, "tower": tower, "decoder": decoder},
        "optimizer": {"learning_rate": rate},
        "loop": {"steps": steps, "global_batch": batch, "micro_batch": micro_batch, "workers": workers, "seed": seed},
    }
    outcome = run(flags, settings, overrides or [], typer.echo)
    typer.echo(f"loss: {outcome.loss:.4f} nats per answer token after {outcome.step} steps")


@app.command()
def general(
    crawl: Annotated[str, typer.Option("--crawl", help="Crawl of rendered rooms: the folder of a manifest.jsonl.")],
    out: Annotated[str, typer.Option("--out", help="Folder that train.json and test.json are written to.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0,
    most: Annotated[int, typer.Option("--most", help="Questions of a kind in a split, at most.")] = 2000,
    turns: Annotated[int, typer.Option("--turns", help="Questions in an entry of train.json, at most.")] = 8,
    test_share: Annotated[float, typer.Option("--test-share", help="Photographs that test.json asks about.")] = 0.2,
) -> None:
    """Ask general questions about rendered rooms: color, count, existence, category, place; as LLaVA JSON."""
    from studies.claims.questions.general import RoomQuestionSettings, write_room_questions
    from vlm.mixture.errors import MixtureError

    settings = RoomQuestionSettings(seed=seed, most=most, turns=turns, test_share=test_share)
    try:
        counts = write_room_questions(crawl, out, settings)
    except MixtureError as error:
        raise UsageError(str(error)) from error
    for name, count in sorted(counts.items()):
        typer.echo(f"{name}: {count}")
