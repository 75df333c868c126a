"""The `calibrate` command."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import ExpertsOption, SetOption, SettingsOption, app, settings_of


@app.command()
def calibrate(
    crawl: Annotated[str, typer.Option("--crawl", help="RGB-D crawl: folder, manifest or s3:// prefix with depth.")],
    out: Annotated[Path, typer.Option("--out", help="Profile to write, a YAML file for --experts.")],
    experts: ExpertsOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Images to use at most.")] = 200,
    settings: SettingsOption = None,
    set_: SetOption = None,
) -> None:
    """Fit scale, errors and focal length of a learned depth expert to RGB-D images of your own, in seconds."""
    from jobs.calibrating.command import calibrate as run
    from jobs.engine.errors import UsageError

    if not out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} for the profile; make it, or name another.")
    merged = settings_of(".", settings, set_, experts=experts or "builtin")
    typer.echo(str(run(merged, crawl, out, limit)))
