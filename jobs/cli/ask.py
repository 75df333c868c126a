"""The `ask` command."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import (
    CameraOption,
    DepthOption,
    ExpertsOption,
    GravityOption,
    ImageArgument,
    MasksOption,
    ObjectsOption,
    SetOption,
    SettingsOption,
    SidecarOption,
    app,
    settings_of,
)
from jobs.engine.errors import Unanswered


@app.command()
def ask(
    image: ImageArgument,
    questions: Annotated[
        list[str] | None, typer.Argument(help="Questions in English; without one, the objects are listed.")
    ] = None,
    depth: DepthOption = None,
    masks: MasksOption = None,
    objects: ObjectsOption = None,
    camera: CameraOption = None,
    gravity: GravityOption = None,
    sidecar: SidecarOption = None,
    experts: ExpertsOption = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", help="Image file to write, with the answer's objects and length drawn in.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object in place of sentences.")] = False,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Measure one image and answer questions about it, without a lake. Exit code 12: a question has no answer."""
    from jobs.one_image import asking

    say = partial(typer.echo, err=True)
    asking.require_image(image)
    if draw is not None:
        asking.require_drawable(draw)
    about = asking.About(sidecar=sidecar, depth=depth, masks=masks, objects=objects, camera=camera, gravity=gravity)
    given = asking.given_by(about)
    merged = settings_of(".", settings, set_, experts=experts)
    measured = asking.measured_by(merged, image, given, experts is not None, say)
    for note in measured.notes:
        say(note)
    answers = [asking.answered(measured, question) for question in questions or ()]
    typer.echo(asking.as_json(measured, answers) if as_json else asking.said(measured, answers))
    if draw is not None:
        asking.draw_to(measured, answers, draw)
    if not all(answer.answered for answer in answers):
        raise typer.Exit(Unanswered.exit_code)
