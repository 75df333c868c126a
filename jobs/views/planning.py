"""`spatiallake plan`: hours, storage, cost and days of a crawl, from measured rates and the yields of a pilot lake."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pydantic import Field
from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.delta_log import opened
from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.going_live import progress_of
from jobs.engine.registry import definition_of, run_stages
from jobs.engine.stage import StageDefinition
from jobs.views.reader import LakeReader, known_tables
from schemas.images import CRAWL
from schemas.operations import STAGE_RUNS
from schemas.settings import Settings, did_you_mean
from udfs.experts.expert import ExpertSpec, Profile, is_isolated

_RATES = Path(__file__).with_name("rates.yaml")
_MS_PER_HOUR = 3.6e6
_GB = 1e9
# Fewer images say nothing about a model's speed, since a micro-batch has costs of its own.
_MIN_TIMED_IMAGES = 200


class Instance(Settings):
    """A machine to rent."""

    vcpus: int = Field(gt=0)
    gpus: int = Field(ge=0)
    usd_per_hour: float = Field(ge=0)


class Rates(Settings):
    """Measured costs, as `rates.yaml` explains them."""

    measured_on: str
    machine: str
    start_cpu_s: float
    cpu_ms_per_image: dict[str, float]
    expert_cpu_ms_per_image: dict[str, dict[str, float]]
    bytes_per_image: dict[str, float]
    instances: dict[str, Instance]


@cache
def measured_rates() -> Rates:
    """Return the rates that are part of the package."""
    values = yaml.safe_load(_RATES.read_text())
    return Rates.model_validate({**values, "measured_on": str(values["measured_on"])})


@dataclass(frozen=True)
class Pilot:
    """What a lake shows of a crawl: per listed image the share that reaches each stage, answers, and bytes by table.

    `seconds` holds wall seconds times cores per image of stages with learned experts.
    """

    uri: str
    listed: int
    reach: Mapping[str, float]
    answers_per_image: float
    bytes_per_image: Mapping[str, float]
    seconds: Mapping[str, float]

    @property
    def passing(self) -> dict[str, float]:
        """Return the share of the images of the stage before that reach each stage."""
        above = {name: self.reach.get(definition_of(name).upstream, 0.0) for name in self.reach}
        return {name: share / above[name] if above[name] else 1.0 for name, share in self.reach.items()}

    def bytes_of(self, stage: str, images: int) -> float:
        """Return the bytes that a stage's table grows by for images that reach the stage."""
        share = self.reach.get(stage, 0.0)
        return self.bytes_per_image.get(definition_of(stage).table.name, 0.0) * images / share if share else 0.0


@dataclass(frozen=True)
class Load:
    """The work of one stage; hours are those of one core or one GPU, None where no rate is known."""

    stage: str
    images: int
    ms_per_image: float | None
    core_hours: float | None
    gpu_hours: float | None
    usd: float | None
    source: str


@dataclass(frozen=True)
class Fleet:
    """Machines by instance type: `cpus` for all stages but those with learned experts, which run on `gpus`."""

    cpu: str = "m7i.4xlarge"
    gpu: str = "g5.2xlarge"
    cpu_machines: int = 4
    gpu_machines: int = 4


@dataclass(frozen=True)
class Plan:
    """What a crawl costs."""

    images: int
    loads: list[Load]
    bytes_by_table: Mapping[str, float]
    answers: int | None
    usd: float
    days: float
    bottleneck: str
    unknown: list[str]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return asdict(self)


def plan_of(images: int, profile: Profile, fleet: Fleet, pilot: Pilot | None = None) -> Plan:
    """Return the plan for a crawl that lists `images` images.

    Raises:
        UsageError: no such instance type.
    """
    counts = {name: round(images * (pilot.reach[name] if pilot else 1.0)) for name in run_stages()}
    return _planned(images, counts, profile, fleet, pilot)


def work_of(counts: Mapping[str, int], profile: Profile, fleet: Fleet, pilot: Pilot) -> Plan:
    """Return the plan for numbers of images by stage, with the sizes and yields of the lake that they are in."""
    plan = _planned(max(counts.values(), default=0), counts, profile, fleet, pilot)
    sizes = {definition_of(name).table.name: pilot.bytes_of(name, count) for name, count in counts.items()}
    return replace(plan, bytes_by_table=sizes)


def pilot_of(lake: LakeReader, finished: bool = True) -> Pilot:
    """Return what a lake shows.

    Raises:
        LakeUnreadable: there is no lake, or, with `finished`, a stage of it has not caught up.
    """
    lake.tables()
    if finished:
        _require_caught_up(lake)
    listed = lake.query(CRAWL.name, "SELECT count(*) AS n FROM t")[0]["n"]
    reach = {name: _keys_above(lake, definition_of(name)) / listed for name in run_stages()}
    answers = lake.optional("qa_pairs", "SELECT count(*) AS n FROM t")
    return Pilot(
        uri=lake.uri,
        listed=listed,
        reach=reach,
        answers_per_image=(answers[0]["n"] if answers else 0) / listed,
        bytes_per_image={name: size / listed for name, size in _bytes_by_table(lake).items()},
        seconds=_seconds_per_image(lake),
    )


def print_plan(plan: Plan, console: Console) -> None:
    """Print a plan as tables and sentences."""
    grid = Grid(title=f"Plan for {plan.images:,} images", title_justify="left")
    grid.add_column("stage", no_wrap=True)
    for name in ("images", "ms/image", "core-hours", "GPU-hours", "USD"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("rate from")
    for load in plan.loads:
        numbers = (load.ms_per_image, load.core_hours, load.gpu_hours, load.usd)
        grid.add_row(load.stage, f"{load.images:,}", *map(_number, numbers), load.source)
    console.print(grid)
    if plan.bytes_by_table:
        tables = Grid("table", title="Storage", title_justify="left")
        tables.add_column("GB", justify="right")
        for name, size in sorted(plan.bytes_by_table.items(), key=lambda item: -item[1]):
            tables.add_row(name, _number(size / _GB))
        tables.add_row("all", _number(sum(plan.bytes_by_table.values()) / _GB), style="bold")
        console.print(tables)
    for sentence in plan.notes:
        console.print(sentence, highlight=False)


def _planned(images: int, counts: Mapping[str, int], profile: Profile, fleet: Fleet, pilot: Pilot | None) -> Plan:
    rates = measured_rates()
    cpu, gpu = _instance(rates, fleet.cpu), _instance(rates, fleet.gpu)
    if not gpu.gpus:
        raise UsageError(f"Instance type {fleet.gpu} has no GPU; name one of {', '.join(_with_gpus(rates))}.")
    loads = [_load(name, count, profile, pilot, (cpu, gpu)) for name, count in counts.items()]
    core_hours = sum(load.core_hours or 0 for load in loads) + rates.start_cpu_s / 3600
    gpu_hours = sum(load.gpu_hours or 0 for load in loads)
    cpu_days = core_hours / cpu.vcpus / fleet.cpu_machines / 24
    gpu_days = gpu_hours / gpu.gpus / fleet.gpu_machines / 24
    usd = sum(load.usd or 0 for load in loads)
    unknown = [load.stage for load in loads if load.ms_per_image is None]
    by_table = {
        name: size * images for name, size in (pilot.bytes_per_image if pilot else rates.bytes_per_image).items()
    }
    answers = round(images * pilot.answers_per_image) if pilot else None
    bottleneck = _bottleneck(loads, cpu_days, gpu_days)
    plan = Plan(images, loads, by_table, answers, usd, cpu_days + gpu_days, bottleneck, unknown, [])
    return replace(plan, notes=_notes(plan, fleet, (core_hours, gpu_hours), (cpu_days, gpu_days), pilot))


def _load(name: str, images: int, profile: Profile, pilot: Pilot | None, machines: tuple[Instance, Instance]) -> Load:
    cpu, gpu = machines
    milliseconds, source, on_gpu = _rate(definition_of(name), profile, pilot)
    if milliseconds is None:
        return Load(name, images, None, None, None, None, source)
    hours = images * milliseconds / _MS_PER_HOUR
    if on_gpu:
        return Load(name, images, milliseconds, None, hours, hours / gpu.gpus * gpu.usd_per_hour, source)
    return Load(name, images, milliseconds, hours, None, hours / cpu.vcpus * cpu.usd_per_hour, source)


def _rate(definition: StageDefinition, profile: Profile, pilot: Pilot | None) -> tuple[float | None, str, bool]:
    """Return milliseconds per image, where they come from, and whether they are a GPU's."""
    rates, name = measured_rates(), definition.name
    here = f"measured {rates.measured_on}"
    if not definition.slot:
        return rates.cpu_ms_per_image.get(name), here if name in rates.cpu_ms_per_image else "unknown", False
    spec: ExpertSpec = getattr(profile, definition.slot)
    known = rates.expert_cpu_ms_per_image.get(spec.family, {}).get(definition.slot)
    if known is not None:
        return known, here, False
    on_gpu = is_isolated(definition.slot, spec)
    if pilot and name in pilot.seconds:
        return pilot.seconds[name] * 1000, "pilot, wall time", on_gpu
    return None, "unknown: run a pilot", on_gpu


def _bottleneck(loads: Sequence[Load], cpu_days: float, gpu_days: float) -> str:
    kind = "gpu_hours" if gpu_days > cpu_days else "core_hours"
    hours = {load.stage: getattr(load, kind) or 0.0 for load in loads}
    return max(hours, key=hours.__getitem__) if hours else ""


def _notes(
    plan: Plan, fleet: Fleet, hours: tuple[float, float], days: tuple[float, float], pilot: Pilot | None
) -> list[str]:
    rates, notes = measured_rates(), []
    notes.append(
        f"{_number(hours[0])} core-hours on {fleet.cpu_machines} {fleet.cpu}: {_number(days[0])} days; "
        f"{_number(hours[1])} GPU-hours on {fleet.gpu_machines} {fleet.gpu}: {_number(days[1])} days; "
        f"together {_number(plan.usd)} USD at list prices."
    )
    if plan.bottleneck:
        notes.append(f"The bottleneck is {plan.bottleneck}.")
    if plan.answers is not None and pilot:
        notes.append(f"{plan.answers:,} answers, at {pilot.answers_per_image:.1f} per listed image as in {pilot.uri}.")
    if pilot is None:
        notes.append("Without --pilot, every image is taken to pass every stage; a pilot of 0.1 % shows the yields.")
    if plan.unknown:
        names = ", ".join(plan.unknown)
        notes.append(
            f"Not included: {names}, for which no rate was measured; run at least {_MIN_TIMED_IMAGES} images with the "
            "same experts where they will run, then name that lake with --pilot."
        )
    notes.append(f"Rates without a pilot: measured {rates.measured_on}, {rates.machine}.")
    return notes


def _require_caught_up(lake: LakeReader) -> None:
    book = lake.recipe_book()
    live = book.live()
    for name in run_stages():
        row = book.newest(name, live.get(name)) if name in live else None
        progress = progress_of(lake, definition_of(name), row.recipe, row.upstream_recipe) if row else None
        if progress is None or not progress.complete:
            state = str(progress) if progress else f"{name} has not run"
            raise LakeUnreadable(
                f"The lake {lake.uri} shows no yields yet ({state}); finish it with "
                f"`spatiallake run --lake {lake.uri}`."
            )


def _keys_above(lake: LakeReader, definition: StageDefinition) -> int:
    """Return how many keys the stage has to deal with."""
    if not lake.exists(definition.reads[0]):
        return 0
    query = f"SELECT count(DISTINCT {definition.keys[0]}) AS n FROM t"
    return lake.query(definition.reads[0].name, query)[0]["n"]


def _bytes_by_table(lake: LakeReader) -> dict[str, float]:
    """Return the bytes of each table's current files; rows of old recipes count by their share."""
    found = {}
    for name in known_tables():
        table = opened(f"{lake.uri}/{name}") if lake.has(name) else None
        if table is None:
            continue
        actions = pa.table(table.get_add_actions(flatten=True))
        total, rows = sum(actions["size_bytes"].to_pylist()), sum(filter(None, actions["num_records"].to_pylist()))
        current = lake.query(name, "SELECT count(*) AS n FROM t")[0]["n"]
        found[name] = total * min(1.0, current / rows) if rows else 0.0
    return found


def _seconds_per_image(lake: LakeReader) -> dict[str, float]:
    live = lake.current_recipes()
    query = (
        "SELECT stage, recipe, sum(rows_in) AS images, sum(seconds * cores) AS seconds FROM t "
        "WHERE cores IS NOT NULL GROUP BY stage, recipe"
    )
    rows = lake.optional(STAGE_RUNS.name, query)
    return {
        row["stage"]: row["seconds"] / row["images"]
        for row in rows
        if live.get(row["stage"]) == row["recipe"] and row["images"] >= _MIN_TIMED_IMAGES
    }


def _instance(rates: Rates, name: str) -> Instance:
    if name not in rates.instances:
        raise UsageError(f"No instance type {name!r} with a known price; {did_you_mean(name, rates.instances)}")
    return rates.instances[name]


def _with_gpus(rates: Rates) -> list[str]:
    return [name for name, instance in rates.instances.items() if instance.gpus]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
