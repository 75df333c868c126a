"""The commands that plan and keep a lake: `plan`, `publish` and `maintain`."""

import json
from contextlib import nullcontext
from typing import Annotated

import typer

from jobs.cli.options import ExpertsOption, LakeOption, MasterOption, SetOption, SettingsOption, app, settings_of


@app.command()
def plan(
    images: Annotated[int, typer.Option("--images", min=1, help="Number of images in the crawl.")],
    pilot: Annotated[
        str | None, typer.Option("--pilot", help="Lake of a sample of the crawl, which shows yields and sizes.")
    ] = None,
    experts: ExpertsOption = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    cpu_instance: Annotated[
        str, typer.Option("--cpu-instance", help="Instance type of the stages without learned experts.")
    ] = "m7i.4xlarge",
    gpu_instance: Annotated[
        str, typer.Option("--gpu-instance", help="Instance type of the learned experts.")
    ] = "g5.2xlarge",
    cpu_machines: Annotated[
        int, typer.Option("--cpu-machines", min=1, help="Number of machines of type --cpu-instance.")
    ] = 4,
    gpu_machines: Annotated[
        int, typer.Option("--gpu-machines", min=1, help="Number of machines of type --gpu-instance.")
    ] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Predict hours, storage, cost and days of a crawl from measured rates."""
    from rich.console import Console

    from jobs.engine.memory import remembered_settings
    from jobs.engine.settings import load_settings
    from jobs.engine.small.limits import allow_small
    from jobs.views.planning import Fleet, pilot_of, plan_of, print_plan
    from jobs.views.reader import LakeReader

    shown = pilot_of(LakeReader(pilot)) if pilot else None
    remembered = remembered_settings(pilot) if pilot else {}
    merged = load_settings({"lake": pilot or ".", "experts": experts}, settings, set_ or [], remembered)
    fleet = Fleet(cpu_instance, gpu_instance, cpu_machines, gpu_machines, allow_small(merged, images))
    made = plan_of(images, merged.profile(), fleet, shown)
    if as_json:
        typer.echo(json.dumps(made.as_json(), indent=1))
    else:
        print_plan(made, Console())


@app.command()
def publish(
    lake: LakeOption,
    catalog: Annotated[str, typer.Option("--catalog", help="Catalog: of Unity, or spark_catalog for Hive and Glue.")],
    schema: Annotated[str, typer.Option("--schema", help="Schema (database) in it; made if it is not there.")],
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Name a lake's tables and current rows in a catalog, for SQL warehouses and BI tools."""
    from jobs.engine.pipeline import open_lake
    from jobs.views.catalog import publish as publish_lake

    opened = open_lake(settings_of(lake, settings, set_, master=master), to_write=False)
    for name in publish_lake(opened, catalog, schema):
        typer.echo(name)


@app.command()
def maintain(
    lake: LakeOption,
    retention_hours: Annotated[
        float,
        typer.Option(
            "--retention-hours", help="Delete files that only versions older than this use; at least 168 (7 days)."
        ),
    ] = 720.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print files and bytes, and change nothing.")] = False,
    settings: SettingsOption = None,
    set_: SetOption = None,
    master: MasterOption = None,
) -> None:
    """Compact a lake's tables, delete files of old versions, and write checkpoints of Delta logs; no row changes."""
    from rich.console import Console
    from rich.table import Table as Grid

    from jobs.engine.locks import writing
    from jobs.engine.maintenance import maintain as maintain_lake
    from jobs.engine.memory import remembered_settings
    from jobs.engine.pipeline import open_lake, stages_of
    from jobs.engine.settings import load_settings

    merged = load_settings({"lake": lake, "master": master}, settings, set_ or [], remembered_settings(lake))
    stages, opened = stages_of(merged), open_lake(merged, to_write=not dry_run)
    grid = Grid("table", show_edge=False)
    for name in ("files", "files after", "MB", "MB after", "old files deleted" if not dry_run else "old files"):
        grid.add_column(name, justify="right")
    locked = nullcontext() if dry_run else writing(opened.uri, (*stages, "recipes"), merged.store_locks)
    with locked:
        for care in maintain_lake(opened, stages, retention_hours, dry_run):
            counts = (care.files_before, care.files_after, care.bytes_before / 1e6, care.bytes_after / 1e6)
            grid.add_row(care.table, *(f"{count:,.0f}" for count in counts), f"{care.vacuumed:,}")
    Console().print(grid)
