"""The `serve` command."""

from functools import partial
from typing import Annotated

import typer

from jobs.cli.options import (
    AnswersErrorOption,
    AnswersKeyOption,
    AnswersModelOption,
    ExpertsOption,
    PlannerKeyOption,
    PlannerModelOption,
    SetOption,
    SettingsOption,
    ShowImageOption,
    app,
    settings_of,
)


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option("--token", help="Name of the environment variable with the token that clients have to send."),
    ] = None,
    answers: Annotated[
        str, typer.Option("--answers", help="geometry, the folder of a model, or the URL of an endpoint.")
    ] = "geometry",
    answers_model: AnswersModelOption = None,
    answers_key: AnswersKeyOption = None,
    answers_error: AnswersErrorOption = None,
    planner: Annotated[str, typer.Option("--planner", help="offline, or the URL of a chat endpoint.")] = "offline",
    planner_model: PlannerModelOption = None,
    planner_key: PlannerKeyOption = None,
    show_image: ShowImageOption = False,
    experts: ExpertsOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes that measure and answer; 2 unless given, 1 with a model.")
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            "--max-seconds", help="Maximum time to measure an image, and to answer, each in s; 60 unless given."
        ),
    ] = None,
    max_body_mb: Annotated[
        float | None, typer.Option("--max-body-mb", help="Largest request, MB; 16 unless given.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option("--max-pixels", help="Largest image, width x height, px; 16,000,000 unless given.")
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", help="Requests at once; 64 unless given.")
    ] = None,
    max_scenes: Annotated[
        int | None, typer.Option("--max-scenes", help="Measured images kept in memory; 64 unless given.")
    ] = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Serve answers about images: an OpenAI-compatible endpoint, and a page to drop an image on."""
    from jobs.one_image.reasoning import Source
    from jobs.serving import server
    from jobs.serving.listening import Listening

    given = {
        "workers": workers, "seconds": max_seconds, "body_mb": max_body_mb, "pixels": max_pixels,
        "requests": max_requests, "scenes": max_scenes,
    }  # fmt: skip
    limits = server.limits_of(given, answers)
    pixels = [f"ingest.{name}={limits.pixels}" for name in ("max_pixels", "max_map_pixels")]
    sources = server.Sources(
        settings=settings_of(".", settings, [*(set_ or ()), *pixels], experts=experts),
        by_profile=experts is not None,
        planner=Source(planner, "planner", planner_model, planner_key),
        answers=Source(answers, "answers", answers_model, answers_key),
        sees_image=show_image,
        relative_error=answers_error,
    )
    server.serve(sources, Listening(host, port, token, limits), partial(typer.echo, err=True))
