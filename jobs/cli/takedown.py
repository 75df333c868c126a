"""The command `takedown`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.options import LakeOption, MasterOption, SetOption, app, settings_of


@app.command()
def takedown(
    lake: LakeOption,
    image: Annotated[
        list[str] | None,
        typer.Option("--image", help="Image id, or its first 8 or more digits if it is in the lake; repeatable."),
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option("--url", help="Address of an image, or where it was read; repeatable.")
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option("--domain", help="Domain of images or of the pages that show them, with subdomains; repeatable."),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="License (column `licence`), such as CC-BY-NC or CC-BY-NC-4.0; repeatable."),
    ] = None,
    list_: Annotated[
        list[str] | None,
        typer.Option("--list", help="Opt-out list: one image id, address or domain per line; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be removed; write nothing.")
    ] = False,
    vacuum: Annotated[
        bool,
        typer.Option(
            "--vacuum/--keep-versions",
            help="Delete the files of old versions of all tables; else they still hold the images.",
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="JSON file for the certificate.")] = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Remove images from every table, refuse them from then on, and write a certificate.

    Their bytes stay on disk, in old versions of the tables, until you add --vacuum.
    """
    from jobs.engine.pipeline import open_lake
    from jobs.takedown.command import preview_takedown, take_down
    from jobs.takedown.criteria import asked_for
    from jobs.takedown.small import counts_without_spark, preview_small
    from jobs.views.reader import LakeReader
    from udfs.storage.atomic import written_whole

    asked = asked_for(LakeReader(lake), image or (), url or (), domain or (), licence or (), list_ or ())
    settings = settings_of(lake, None, set_, master=master)
    opened = open_lake(settings, to_write=not dry_run)
    if dry_run:
        count = preview_small if counts_without_spark(settings, opened) else preview_takedown
        for name, rows in count(opened, asked).items():
            typer.echo(f"{name}: {rows:,} rows")
        typer.echo("Nothing was removed (--dry-run).")
        return
    say = partial(typer.echo, err=True)
    certificate = take_down(opened, asked, vacuum, say, settings.store_locks)
    for line in certificate.lines():
        typer.echo(line)
    if out is not None:
        with written_whole(out) as draft:
            draft.write_text(certificate.model_dump_json(indent=1) + "\n")
        typer.echo(f"Wrote the certificate to {out}.")
