"""The `ask` command."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import ExpertsOption, SetOption, SettingsOption, app, settings_of


@app.command()
def ask(
    image: Annotated[Path, typer.Argument(help="Image file: JPEG, PNG or WebP.")],
    questions: Annotated[
        list[str] | None, typer.Argument(help="Questions in English. [list the objects and what can be asked]")
    ] = None,
    depth: Annotated[Path | None, typer.Option("--depth", help="Depth of the image: a uint16 PNG in mm.")] = None,
    masks: Annotated[Path | None, typer.Option("--masks", help="PNG of object ids, 0 where there is none.")] = None,
    objects: Annotated[
        Path | None, typer.Option("--objects", help="JSON list that names the objects of the masks in order of id.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option("--camera", help="Focal lengths and principal point in px: FX,FY,CX,CY.")
    ] = None,
    gravity: Annotated[
        str | None, typer.Option("--gravity", help="Direction of gravity: X,Y,Z with x right, y down, z forward.")
    ] = None,
    sidecar: Annotated[
        Path | None,
        typer.Option("--sidecar", help="JSON file with any of depth, instances, objects, camera and gravity."),
    ] = None,
    experts: ExpertsOption = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", help="Image file to write, with the answer's objects and length drawn in.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object in place of sentences.")] = False,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Measure one image and answer questions about it, without a lake."""
    from jobs.engine.errors import UsageError
    from jobs.one_image import asking

    if not image.is_file():
        raise UsageError(f"The image {image} is no file; name a JPEG, PNG or WebP.")
    if draw is not None:
        asking.require_drawable(draw)
    about = asking.About(sidecar=sidecar, depth=depth, masks=masks, objects=objects, camera=camera, gravity=gravity)
    given = asking.given_by(about)
    merged = settings_of(".", settings, set_, experts=experts)
    if experts is None and (parts := asking.missing_parts(given)):
        typer.echo(asking.BUILTIN_KNOWS.format(parts=parts), err=True)
    from jobs.one_image.measuring import measure_with

    measured = measure_with(merged, image, given, by_profile=experts is not None)
    for note in measured.notes:
        typer.echo(note, err=True)
    answers = [measured.answer(question) for question in questions or ()]
    typer.echo(asking.as_json(measured, answers) if as_json else asking.said(measured, answers))
    if draw is not None:
        asking.draw_to(measured, answers, draw)
