"""The command's application, and the options that several commands share."""

from typing import Annotated, Any

import typer

from jobs.engine.settings import RunSettings, load_settings

app = typer.Typer(
    help="Turn crawls of photographs into metric spatial questions and answers, in Delta tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LakeOption = Annotated[
    str, typer.Option("--lake", envvar="SPATIALLAKE_LAKE", help="Folder or s3:// prefix of the lake.")
]
CrawlOption = Annotated[
    str | None, typer.Option("--crawl", help="Folder, manifest or img2dataset output, local or s3://.")
]
ExpertsOption = Annotated[str | None, typer.Option("--experts", help="Expert profile, or a YAML file of one. [sensor]")]
SettingsOption = Annotated[str | None, typer.Option("--settings", help="YAML file of settings.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, such as lift.min_points=30; repeatable.")
]
MasterOption = Annotated[str | None, typer.Option("--master", help="Spark master. [local[*]]")]
FollowOption = Annotated[
    float | None, typer.Option("--follow", help="Keep running; look for new rows every so many seconds.")
]
StageOption = Annotated[str, typer.Option("--stage", help="Stage to work on.")]


def settings_of(lake: str, settings: str | None, overrides: list[str] | None, **flags: Any) -> RunSettings:
    """Return the validated settings of a command."""
    return load_settings({"lake": lake, **flags}, settings, overrides or [])
