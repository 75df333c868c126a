"""The `reason` command."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import (
    AnswersErrorOption,
    AnswersKeyOption,
    AnswersModelOption,
    CameraOption,
    DepthOption,
    ExpertsOption,
    GravityOption,
    ImageArgument,
    MasksOption,
    ObjectsOption,
    PlannerKeyOption,
    PlannerModelOption,
    SetOption,
    SettingsOption,
    ShowImageOption,
    SidecarOption,
    app,
    settings_of,
)
from jobs.engine.errors import Unanswered


@app.command()
def reason(
    image: ImageArgument,
    question: Annotated[str, typer.Argument(help="Question in English.")],
    planner: Annotated[
        str, typer.Option("--planner", help="offline, the URL of a chat endpoint, or a transcript to replay.")
    ] = "offline",
    planner_model: PlannerModelOption = None,
    planner_key: PlannerKeyOption = None,
    show_image: ShowImageOption = False,
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers",
            help="geometry, the folder of a model, the URL of an endpoint, or a transcript; geometry unless given, or "
            "the transcript that is replayed.",
        ),
    ] = None,
    answers_model: AnswersModelOption = None,
    answers_key: AnswersKeyOption = None,
    answers_error: AnswersErrorOption = None,
    page: Annotated[Path | None, typer.Option("--page", help="HTML page to write.")] = None,
    transcript: Annotated[
        Path | None,
        typer.Option("--transcript", help="JSON lines to write; what the file holds already is not asked again."),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", help="Maximum calls of tools; 64 unless given.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", help="Maximum time, s; 120 unless given.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", help="Maximum tokens; 100,000 unless given.")
    ] = None,
    depth: DepthOption = None,
    masks: MasksOption = None,
    objects: ObjectsOption = None,
    camera: CameraOption = None,
    gravity: GravityOption = None,
    sidecar: SidecarOption = None,
    experts: ExpertsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object in place of a sentence.")] = False,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Take a hard question about one image apart, measure, compute, and say the answer with its error.

    Exit code 12: the question has no answer.
    """
    from jobs.one_image import asking

    asking.require_image(image)
    from jobs.one_image import reasoning

    about = asking.About(sidecar=sidecar, depth=depth, masks=masks, objects=objects, camera=camera, gravity=gravity)
    planned = reasoning.planner_of(reasoning.Source(planner, "planner", planner_model, planner_key), show_image)
    replays = planner != reasoning.OFFLINE and not reasoning.is_url(planner)
    source = reasoning.Source(
        answers or (planner if replays else reasoning.GEOMETRY), "answers", answers_model, answers_key
    )
    content, measured = image.read_bytes(), None
    if source.place == reasoning.GEOMETRY or about != asking.About():
        given, merged = asking.given_by(about), settings_of(".", settings, set_, experts=experts)
        measured = asking.measured_by(merged, image, given, experts is not None, partial(typer.echo, err=True))
    answering = reasoning.answers_of(source, content, measured, answers_error)
    limits = reasoning.limits_of({"steps": max_steps, "seconds": max_seconds, "tokens": max_tokens})
    asked = reasoning.Asked(question, content, transcript)
    made = reasoning.reasoned(asked, planned, answering, limits)
    if page is not None:
        reasoning.write_page(made, content, measured, page)
    reasoning.require_end(made)
    typer.echo(reasoning.as_json(made) if as_json else made.ending.text if made.ending else "")
    if not reasoning.is_answered(made):
        raise typer.Exit(Unanswered.exit_code)
