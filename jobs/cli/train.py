"""Commands that train models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli.options import SettingsOption, app
from jobs.engine.errors import EnvironmentMissing, UsageError

_IMAGE_COLUMNS = "bytes, depth, camera, gravity, instances, objects"


@app.command("train-experts")
def train_experts(
    out: Annotated[str, typer.Option("--out", help="Folder for checkpoints, weights and the MLflow database.")],
    crawl: Annotated[
        list[str] | None, typer.Option("--crawl", help="RGB-D crawl: a folder or a manifest; repeatable.")
    ] = None,
    lake: Annotated[list[str] | None, typer.Option("--lake", help="Lake whose images to train on; repeatable.")] = None,
    held_out: Annotated[
        str | None, typer.Option("--held-out", help="Crawl for calibration and metrics, never trained on.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Checkpoint or weights to start from; random weights unless given.")
    ] = None,
    width: Annotated[int, typer.Option("--width", help="Width of the training images, px.")] = 192,
    height: Annotated[int, typer.Option("--height", help="Height of the training images, px.")] = 144,
    warm_up: Annotated[int, typer.Option("--warm-up", help="Warmup steps, until the peak learning rate.")] = 300,
    cooldown: Annotated[
        float, typer.Option("--cooldown", help="Fraction of the steps over which the learning rate decays.")
    ] = 0.35,
    steps: Annotated[
        int, typer.Option("--steps", help="Optimizer steps; 0 keeps the network of --from and trains its namer only.")
    ] = 6000,
    names_steps: Annotated[
        int, typer.Option("--names-steps", help="Optimizer steps of the namer of objects; 0: no namer.")
    ] = 3000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0,
    batch: Annotated[int, typer.Option("--batch", help="Images per step.")] = 16,
    replicas: Annotated[int, typer.Option("--replicas", help="Threads that each batch is split over.")] = 2,
    negatives: Annotated[
        int, typer.Option("--negatives", help="Images of each kind that is no room, drawn to train the filter.")
    ] = 200,
    novelty: Annotated[
        int, typer.Option("--novelty", help="Rooms to fit the test for images unlike the training to; 0: no test.")
    ] = 600,
    refit_filter: Annotated[
        bool, typer.Option("--refit-filter", help="With --steps 0, fit filter and novelty test anew all the same.")
    ] = False,
) -> None:
    """Train the networks of the built-in experts; a killed run resumes from its last checkpoint."""
    try:
        from vlm.builtin.settings import TrainSettings
        from vlm.builtin.train_experts import WEIGHTS
        from vlm.builtin.train_experts import train_experts as run
        from vlm.errors import LoopError
    except ModuleNotFoundError as error:
        raise _missing(error, "scenes,training") from error
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
        names_steps=names_steps,
        seed=seed,
        batch=batch,
        replicas=replicas,
        negatives=negatives,
        novelty=novelty,
        refit_filter=refit_filter,
    )
    try:
        metrics = run(settings, typer.echo, lake_rows=lake_rows)
    except LoopError as error:
        raise UsageError(str(error)) from error
    for name, value in metrics.items():
        typer.echo(f"{name}: {value:.4g}")
    typer.echo(f"Weights: {out}/{WEIGHTS}")


@app.command()
def train(
    out: Annotated[str, typer.Option("--out", help="Folder for checkpoints and the trained model.")],
    lake: Annotated[
        str | None, typer.Option("--lake", envvar="SPATIALLAKE_LAKE", help="Lake with training_examples.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Folder or id of an image-text-to-text model.")] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Commit of the model id.")] = None,
    vision_encoder: Annotated[
        str | None, typer.Option("--vision-encoder", help="Folder of a vision model to join with --decoder.")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option("--decoder", help="Folder of a language model to join with --vision-encoder.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="Version of training_examples; the latest unless given.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Optimizer steps; 1000 unless given.")] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", help="Examples per step, over all processes; 16 unless given.")
    ] = None,
    micro_batch: Annotated[
        int | None,
        typer.Option(
            "--micro-batch", help="Examples per forward pass of a process; its share of --batch unless given."
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="Peak learning rate; 2e-4 unless given.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Data loader workers per process; 1 unless given.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every random choice; 0 unless given.")] = None,
    settings: SettingsOption = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, such as model.sequence.packing=true; repeatable.")
    ] = None,
) -> None:
    """Train a vision-language model on a lake; a killed run resumes from its last checkpoint.

    On several processes: `torchrun --nproc-per-node 8 -m spatiallake train ...`, or `accelerate launch` likewise.
    """
    from jobs.engine.exports import note_export
    from jobs.engine.layers import merged_settings, validated
    from jobs.engine.memory import with_shown_examples

    try:
        from vlm.errors import UNUSABLE, sentence_of
        from vlm.loop.settings import TrainSettings
        from vlm.loop.training import train as run
    except ModuleNotFoundError as error:
        raise _missing(error, "training") from error
    flags = {
        "out": out,
        "lake": lake,
        "feed": {"version": version},
        "model": {"model": model, "revision": revision, "vision_encoder": vision_encoder, "decoder": decoder},
        "optimizer": {"learning_rate": learning_rate},
        "loop": {"steps": steps, "global_batch": batch, "micro_batch": micro_batch, "workers": workers, "seed": seed},
    }
    merged = with_shown_examples(merged_settings({}, settings, overrides or [], flags))
    chosen = validated(TrainSettings, merged)
    if lake:
        # Before the first step, since a run that is killed has learned from the images too.
        note_export(lake, "training run", out)
    try:
        outcome = run(chosen, typer.echo)
    except UNUSABLE as error:
        raise UsageError(sentence_of(error)) from error
    typer.echo(f"Loss: {outcome.loss:.4f} nats per answer token after {outcome.step} steps.")


@app.command("tiny-model")
def tiny_model(
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the weights.")] = 0,
) -> None:
    """Write a vision-language model of random weights, to try `train` with in seconds and without a download."""
    try:
        from vlm.model.tiny import write_tiny_model
    except ModuleNotFoundError as error:
        raise _missing(error, "training") from error
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not an empty folder; name another.")
    typer.echo(f"{out}: {write_tiny_model(out, seed):,} random weights.")


def lake_rows(lake: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a lake's `images` that training reads, shard by shard, ordered by image id."""
    from jobs.engine.frames import require_upright
    from jobs.views.reader import LakeReader

    require_upright(lake)
    reader = LakeReader(lake)
    for shard in reader.query("images", "SELECT DISTINCT ingest_shard FROM t ORDER BY ingest_shard"):
        # All shards together would not fit into memory.
        one = f"SELECT {_IMAGE_COLUMNS} FROM t WHERE ingest_shard = {shard['ingest_shard']} ORDER BY image_id"
        yield from reader.query("images", one)


def _missing(error: ModuleNotFoundError, extras: str) -> EnvironmentMissing:
    return EnvironmentMissing(f"Training needs {error.name}; install it with `pip install 'spatiallake[{extras}]'`.")
