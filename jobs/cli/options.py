"""The Typer application and the options that commands share.

The modules of the commands import what a command works with in the command itself, so that help and mistakes in options
do not wait for Spark and NumPy.
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from jobs.engine.settings import RunSettings

_MODULES = (
    "jobs.cli.stages",
    "jobs.cli.operations",
    "jobs.cli.takedown",
    "jobs.cli.views",
    "jobs.cli.robots",
    "jobs.cli.ask",
    "jobs.cli.reason",
    "jobs.cli.serve",
    "jobs.cli.train",
    "jobs.cli.evaluate",
    "jobs.cli.export",
    "jobs.cli.calibrate",
    "jobs.cli.truth",
)

# The help's panels and their commands, in its order; what no panel names is a stage.
_STAGES = "Stages, one by one"
_PANELS = {
    "Start": ("setup", "demo", "run"),
    "Look": ("sql", "preview", "view", "report", "drift", "episodes"),
    "One image": ("ask", "reason", "serve"),
    "Train and evaluate": (
        "export", "sequence-examples", "tiny-model", "train", "benchmark", "evaluate", "train-experts", "calibrate",
        "truth",
    ),
    "Operate": ("recipes", "backfill", "retry", "plan", "maintain", "takedown", "publish"),
    "Crawls": ("render", "from-lerobot", "to-lerobot"),
    _STAGES: (),
}  # fmt: skip
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names}
_ORDER = list(_PANEL_OF)


@contextmanager
def _quiet_interrupts() -> Iterator[None]:
    """Silence logs once Ctrl-C is pressed: what it breaks off, such as a call to Java, is logged with a traceback."""

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        logging.disable(logging.CRITICAL)
        raise KeyboardInterrupt

    # A command in the background ignores the signal and goes on doing so; only the main thread may take it.
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _LazyGroup(TyperGroup):
    """A command group that imports its modules on demand, those of the stages, which look for plugins, last."""

    def list_commands(self, ctx: Any) -> list[str]:
        self._import(_MODULES)
        for name, command in self.commands.items():
            command.rich_help_panel = _PANEL_OF.get(name, _STAGES)  # pyright: ignore[reportAttributeAccessIssue]
        return sorted(
            super().list_commands(ctx), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)
        )

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for modules in (_MODULES[1:], _MODULES[:1]):
            if cmd_name not in self.commands:
                self._import(modules)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            Interrupted: by Ctrl-C.
        """
        try:
            with _quiet_interrupts():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            from jobs.engine.errors import Interrupted

            sentence = "Interrupted; what was finished is kept, and the same command continues from there."
            raise Interrupted(sentence) from None

    def _import(self, modules: tuple[str, ...]) -> None:
        for module in modules:
            import_module(module)
        self.commands.update(get_group(app).commands)


# Former names of options, still accepted.
_RENAMED = {"most": "max-per-type", "at-once": "concurrency", "tower": "vision-encoder"}

app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"token_normalize_func": lambda name: _RENAMED.get(name, name)},
)


def _print_version(asked: bool) -> None:
    if asked:
        from schemas.version import ENGINE_VERSION

        typer.echo(f"spatiallake {ENGINE_VERSION}")
        raise typer.Exit


def _add_plugins(names: list[str] | None) -> None:
    from schemas.plugins import add_plugin

    for name in names or ():
        add_plugin(name)


@app.callback()
def _spatiallake(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--plugin",
            callback=_add_plugins,
            is_eager=True,
            help="Python module that adds question types, experts, stages or formats; repeatable.",
        ),
    ] = None,
) -> None:
    """Turn crawls of images into metric spatial questions and answers, in Delta tables."""


LakeOption = Annotated[
    str, typer.Option("--lake", envvar="SPATIALLAKE_LAKE", help="Folder or s3:// prefix of the lake.")
]
# What is known about one image.
ImageArgument = Annotated[Path, typer.Argument(help="Image file: JPEG, PNG or WebP.")]
DepthOption = Annotated[Path | None, typer.Option("--depth", help="Depth of the image: a uint16 PNG in mm.")]
MasksOption = Annotated[Path | None, typer.Option("--masks", help="PNG of object ids, 0 where there is none.")]
ObjectsOption = Annotated[
    Path | None, typer.Option("--objects", help="JSON list that names the objects of the masks in order of id.")
]
CameraOption = Annotated[
    str | None, typer.Option("--camera", help="Focal lengths and principal point in px: FX,FY,CX,CY.")
]
GravityOption = Annotated[
    str | None, typer.Option("--gravity", help="Direction of gravity: X,Y,Z with x right, y down, z forward.")
]
SidecarOption = Annotated[
    Path | None,
    typer.Option("--sidecar", help="JSON file with any of depth, instances, objects, camera and gravity."),
]
# Who plans and answers, of the commands that reason.
PlannerModelOption = Annotated[str | None, typer.Option("--planner-model", help="Model at the endpoint that plans.")]
PlannerKeyOption = Annotated[
    str | None, typer.Option("--planner-key", help="Name of the environment variable with the planner's API key.")
]
ShowImageOption = Annotated[bool, typer.Option("--show-image", help="Send the image to the planner as well.")]
AnswersModelOption = Annotated[str | None, typer.Option("--answers-model", help="Model at the endpoint that answers.")]
AnswersKeyOption = Annotated[
    str | None, typer.Option("--answers-key", help="Name of the environment variable with its API key.")
]
AnswersErrorOption = Annotated[
    float | None,
    typer.Option("--answers-error", help="Relative standard error of a model's lengths; unknown unless given."),
]
# For commands that read --settings, which may name the lake as the environment does.
NamedLakeOption = Annotated[
    str | None,
    typer.Option(
        "--lake", help="Folder or s3:// prefix of the lake; else SPATIALLAKE_LAKE, or `lake` in a file of --settings."
    ),
]
CrawlOption = Annotated[
    str | None,
    typer.Option("--crawl", help="Images to add: a folder, a manifest, tars or parquet; local or s3://."),
]
ExpertsOption = Annotated[
    str | None, typer.Option("--experts", help="Expert profile: sensor, builtin, or a YAML file, local or s3://.")
]
SettingsOption = Annotated[str | None, typer.Option("--settings", help="YAML file of settings, local or s3://.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, such as lift.min_points=30; repeatable.")
]
MasterOption = Annotated[
    str | None, typer.Option("--master", help="Spark master, such as local[4]; all cores of this machine unless given.")
]
FollowOption = Annotated[
    float | None,
    typer.Option("--follow", help="Keep running, and look for new rows after every pause of this many seconds."),
]


def settings_of(lake: str, settings: str | None, overrides: list[str] | None, **flags: Any) -> "RunSettings":
    """Return the validated settings of a command."""
    from jobs.engine.settings import load_settings

    return load_settings({"lake": lake, **flags}, settings, overrides or [])
