"""The commands that plan and keep a lake: `plan` and `publish`."""

import json
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
    cpu_machines: Annotated[int, typer.Option("--cpu-machines", min=1, help="Machines of --cpu-instance.")] = 4,
    gpu_machines: Annotated[int, typer.Option("--gpu-machines", min=1, help="Machines of --gpu-instance.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Predict hours, storage, cost and days of a crawl from measured rates."""
    from rich.console import Console

    from jobs.engine.memory import remembered_settings
    from jobs.engine.settings import load_settings
    from jobs.views.planning import Fleet, pilot_of, plan_of, print_plan
    from jobs.views.reader import LakeReader

    shown = pilot_of(LakeReader(pilot)) if pilot else None
    remembered = remembered_settings(pilot) if pilot else {}
    merged = load_settings({"lake": pilot or ".", "experts": experts}, settings, set_ or [], remembered)
    fleet = Fleet(cpu_instance, gpu_instance, cpu_machines, gpu_machines)
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
