"""The command `export`."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from jobs.cli.options import LakeOption, MasterOption, app, settings_of
from jobs.engine.errors import UsageError
from jobs.engine.lake_folder import require_lake


class _ListsExports(TyperCommand):
    """A command whose help ends with the formats that are registered."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from jobs.exporting.layouts import export_formats

        self.epilog = "\n\n".join(f"{one.name}: {one.title}." for one in export_formats().values())
        super().format_help(ctx, formatter)


@app.command(cls=_ListsExports)
def export(
    lake: LakeOption,
    out: Annotated[str, typer.Option("--out", help="New folder or s3:// prefix, or that of an unfinished export.")],
    format_: Annotated[str, typer.Option("--format", help="Format of the data set; all are listed below.")] = "hf",
    table: Annotated[str, typer.Option("--table", help="Table to export: qa_pairs or training_examples.")] = "qa_pairs",
    split: Annotated[
        list[str] | None, typer.Option("--split", help="train, validation or test; repeatable; all unless given.")
    ] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Question type, such as N01; repeatable; all unless given.")
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option("--form", help="Answer form, such as short; repeatable; all unless given.")
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="License of images; repeatable; all unless given."),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option("--images", help="inside, files, urls or none; each format has its usual one."),
    ] = None,
    max_side: Annotated[
        int, typer.Option("--max-side", min=16, help="Longest side of the images, px; none is enlarged.")
    ] = 1024,
    turns: Annotated[
        int, typer.Option("--turns", min=1, help="Maximum questions about one image per conversation.")
    ] = 1,
    rows_per_shard: Annotated[
        int, typer.Option("--rows-per-shard", min=1, help="Rows after which a file ends, at the next image.")
    ] = 20_000,
    master: MasterOption = None,
) -> None:
    """Write questions, answers and images as a data set for training or evaluation; a killed export resumes."""
    require_lake(lake)
    from jobs.engine.joining import on_platform, require_shared
    from jobs.exporting.command import export as run
    from jobs.exporting.layouts import export_format
    from jobs.exporting.settings import SPLITS, ExportSettings

    unknown = sorted(set(split or ()) - set(SPLITS))
    if unknown:
        raise UsageError(f"There is no split {unknown[0]!r}; the splits are {', '.join(SPLITS)}.")
    settings = ExportSettings.model_validate(
        {
            "format": format_,
            "table": table,
            "splits": [one for one in SPLITS if not split or one in split],
            "types": sorted(set(type_ or ())),
            "forms": sorted(set(form or ())),
            "licences": sorted(set(licence or ())),
            "images": images or export_format(format_).images[0],
            "max_side_px": max_side,
            "turns": turns,
            "rows_per_shard": rows_per_shard,
        }
    )
    session = None
    if master or on_platform():
        from jobs.engine.pipeline import open_lake

        run_settings = settings_of(lake, None, None, master=master)
        session = open_lake(run_settings, to_write=False).session
        used = session.sparkContext.master or run_settings.master
        require_shared({"folder of the export": out}, used, run_settings.shared_folders)
    done = run(lake, out, settings, session, lambda sentence: typer.echo(sentence, err=True))
    totals = done.totals
    for reason, count in sorted(totals.left_out.items()):
        typer.echo(f"Left out: {count:,} {reason}.", err=True)
    if done.found == done.shards:
        typer.echo("It was there already, finished, and is whole.")
    by_split = ", ".join(f"{one} {rows:,}" for one, rows in totals.rows.items() if rows)
    typer.echo(f"{out}: {totals.rows.total():,} rows about {totals.images.total():,} images ({by_split}).")
