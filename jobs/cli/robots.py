"""The commands `from-lerobot` and `to-lerobot`."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import LakeOption, app
from jobs.engine.errors import UsageError


@app.command("from-lerobot")
def from_lerobot(
    dataset: Annotated[Path, typer.Argument(help="Folder of a LeRobot dataset, version 3.0 or 2.1.")],
    out: Annotated[str, typer.Option("--out", help="Folder or s3:// prefix to write the crawl to.")],
    camera: Annotated[
        str | None, typer.Option("--camera", help="Camera to read; needed where the dataset has several.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option("--calibration", help="YAML file with the camera's intrinsics, pose and feature of depth."),
    ] = None,
    episodes: Annotated[
        str | None,
        typer.Option("--episodes", help="Episodes to read, such as 0,3,10:20 (without 20)."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="First part of every sequence_id; the folder's name unless given.")
    ] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="License of the images.")] = None,
) -> None:
    """Write the episodes of a LeRobot dataset as a crawl of sequences, one image per frame."""
    from jobs.lerobot.crawl import CrawlOptions, write_crawl

    options = CrawlOptions(
        camera=camera, calibration=calibration, episodes=_numbers(episodes), name=name, licence=licence
    )
    typer.echo(str(write_crawl(dataset, out, options)))


@app.command("to-lerobot")
def to_lerobot(
    lake: LakeOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the dataset to; empty, or not there yet.")],
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", help="LeRobot dataset to copy and add the rewards to; a new one unless given."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="With --dataset: first part of the sequence_id, if it is not the folder's name."),
    ] = None,
    sequence: Annotated[
        list[str] | None,
        typer.Option("--sequence", help="Without --dataset: sequence_id to write, such as 'bridge_*'; repeatable."),
    ] = None,
    fps: Annotated[int, typer.Option("--fps", min=1, help="Without --dataset: frames per second.")] = 10,
) -> None:
    """Write a LeRobot dataset with the rewards of a lake's episodes."""
    from jobs.views.reader import LakeReader

    reader = LakeReader(lake)
    if dataset is not None:
        from jobs.lerobot.copied import copy_with_rewards

        typer.echo(str(copy_with_rewards(reader, dataset, out, name)))
        return
    from jobs.lerobot.written import write_dataset

    typer.echo(str(write_dataset(reader, out, fps, sequence or ())))


def _numbers(text: str | None) -> frozenset[int] | None:
    if text is None:
        return None
    found: set[int] = set()
    try:
        for part in text.split(","):
            first, colon, end = part.partition(":")
            found |= set(range(int(first), int(end))) if colon else {int(first)}
    except ValueError:
        raise UsageError(f"--episodes {text} is not a list of numbers; write it as 0,3,10:20.") from None
    return frozenset(found)
