"""`spatiallake plan`: hours, storage, cost and days of a crawl, from measured rates and the yields of a pilot lake.

Rates are those of the engine that will do the work, whichever engine the pilot ran in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from jobs.engine.delta_log import arrow_of, opened
from jobs.engine.errors import LakeUnreadable, UsageError
from jobs.engine.going_live import progress_of
from jobs.engine.registry import definition_of, run_stages
from jobs.engine.stage import StageDefinition
from jobs.views.rates import Instance, Rates, measured_rates
from jobs.views.reader import LakeReader, known_tables
from schemas.images import CRAWL
from schemas.operations import STAGE_RUNS
from schemas.settings import did_you_mean
from schemas.view import columns_missing
from udfs.experts.expert import ExpertSpec, Profile, is_isolated

_MS_PER_HOUR = 3.6e6
_GB = 1e9
# Fewer images say nothing about a model's speed, since a micro-batch has costs of its own.
_MIN_TIMED_IMAGES = 200
_TIMES = (
    "SELECT stage, recipe, device, sum(rows_in) AS images, sum(seconds * cores) AS seconds"
    " FROM (SELECT *{missing} FROM t) WHERE cores IS NOT NULL GROUP BY stage, recipe, device"
)


@dataclass(frozen=True)
class ModelRate:
    """How long a pilot's learned expert took per image: wall seconds times cores, and where the model was."""

    seconds: float
    device: str | None

    @property
    def on_gpu(self) -> bool:
        """Return whether the model was on a GPU."""
        return (self.device or "").startswith("cuda")


@dataclass(frozen=True)
class Pilot:
    """What a lake shows of a crawl: per listed image the share that reaches each stage, answers, and bytes by table.

    `models` holds what the learned experts of its stages took.
    """

    uri: str
    listed: int
    reach: Mapping[str, float]
    answers_per_image: float
    bytes_per_image: Mapping[str, float]
    models: Mapping[str, ModelRate]

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
    """Machines by instance type: `cpu` for all stages but those with learned experts, which run on `gpu`.

    `without_spark` says that one machine of type `cpu` does all the work, as in a small run.
    """

    cpu: str = "m7i.4xlarge"
    gpu: str = "g5.2xlarge"
    cpu_machines: int = 4
    gpu_machines: int = 4
    without_spark: bool = False

    @property
    def at_work(self) -> int:
        """Return how many machines of type `cpu` work at the same time."""
        return 1 if self.without_spark else self.cpu_machines


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
        models=_model_rates(lake),
    )


def print_plan(plan: Plan, console: Console) -> None:
    """Print a plan as tables and sentences."""
    # Without lines between them, all columns fit into a terminal of 80 characters.
    grid = Grid(
        title=f"Plan for {plan.images:,} images",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
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
    found = {name: _rate(definition_of(name), profile, pilot, fleet) for name in counts}
    loads = [_load(name, count, found[name], (cpu, gpu)) for name, count in counts.items()]
    core_hours = sum(load.core_hours or 0 for load in loads) + rates.of(fleet.without_spark).start_cpu_s / 3600
    gpu_hours = sum(load.gpu_hours or 0 for load in loads)
    cpu_days = core_hours / cpu.vcpus / fleet.at_work / 24
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


@dataclass(frozen=True)
class _Rate:
    """Milliseconds per image, None where they are not known, of a core or a GPU, and where they come from."""

    milliseconds: float | None
    source: str
    on_gpu: bool = False


def _load(name: str, images: int, rate: _Rate, machines: tuple[Instance, Instance]) -> Load:
    cpu, gpu = machines
    if rate.milliseconds is None:
        return Load(name, images, None, None, None, None, rate.source)
    hours = images * rate.milliseconds / _MS_PER_HOUR
    if rate.on_gpu:
        return Load(name, images, rate.milliseconds, None, hours, hours / gpu.gpus * gpu.usd_per_hour, rate.source)
    return Load(name, images, rate.milliseconds, hours, None, hours / cpu.vcpus * cpu.usd_per_hour, rate.source)


def _rate(definition: StageDefinition, profile: Profile, pilot: Pilot | None, fleet: Fleet) -> _Rate:
    """Return the rate of a stage in the engine that does the work."""
    rates, name, here = measured_rates().of(fleet.without_spark), definition.name, "measured"
    if not definition.slot:
        known = rates.cpu_ms_per_image.get(name)
        return _Rate(known, "unknown" if known is None else here)
    spec: ExpertSpec = getattr(profile, definition.slot)
    known = rates.expert_cpu_ms_per_image.get(spec.family, {}).get(definition.slot)
    if known is not None:
        return _Rate(known, here)
    timed = pilot.models.get(name) if pilot else None
    if timed is None or not is_isolated(definition.slot, spec):
        return _Rate(None, "unknown: run a pilot")
    if timed.on_gpu and fleet.without_spark:
        return _Rate(None, "unknown: the pilot's is of a GPU")
    return _Rate(timed.seconds * 1000, f"pilot, wall time on {'a GPU' if timed.on_gpu else 'CPUs'}", timed.on_gpu)


def _bottleneck(loads: Sequence[Load], cpu_days: float, gpu_days: float) -> str:
    kind = "gpu_hours" if gpu_days > cpu_days else "core_hours"
    hours = {load.stage: getattr(load, kind) or 0.0 for load in loads}
    return max(hours, key=hours.__getitem__) if hours else ""


def _notes(
    plan: Plan, fleet: Fleet, hours: tuple[float, float], days: tuple[float, float], pilot: Pilot | None
) -> list[str]:
    rates, notes = measured_rates().of(fleet.without_spark), []
    notes.append(
        f"{_number(hours[0])} core-hours on {fleet.at_work} {fleet.cpu}: {_duration(days[0])}; "
        f"{_number(hours[1])} GPU-hours on {fleet.gpu_machines} {fleet.gpu}: {_duration(days[1])}; "
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
    notes += _notes_on_engines(plan, fleet, pilot)
    engine = "of runs without Spark" if fleet.without_spark else "of runs in Spark"
    notes.append(f"Rates called measured: {engine}, on {rates.measured_on.isoformat()}, {rates.machine}.")
    return notes


def _notes_on_engines(plan: Plan, fleet: Fleet, pilot: Pilot | None) -> list[str]:
    """Return what differs between the runs that were measured and the one that is planned."""
    notes = []
    if fleet.without_spark:
        notes.append(
            "So few images are taken to run on one machine without Spark; `--set max_images_without_spark=0` plans a "
            "run in Spark."
        )
    on_cpus = [load.stage for load in plan.loads if load.source.startswith("pilot") and load.core_hours is not None]
    if on_cpus and pilot and not fleet.without_spark:
        notes.append(
            f"The pilot's models of {', '.join(on_cpus)} worked on CPUs, and are planned on CPUs; to plan GPUs, run the"
            " pilot on executors that have them, as docs/gpus.md explains."
        )
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
        actions = arrow_of(table.get_add_actions(flatten=True))
        total, rows = sum(actions["size_bytes"].to_pylist()), sum(filter(None, actions["num_records"].to_pylist()))
        current = lake.query(name, "SELECT count(*) AS n FROM t")[0]["n"]
        found[name] = total * min(1.0, current / rows) if rows else 0.0
    return found


def _model_rates(lake: LakeReader) -> dict[str, ModelRate]:
    """Return what stages with learned experts took; where they ran on several kinds of device, GPUs count."""
    if not lake.exists(STAGE_RUNS):
        return {}
    live, found = lake.current_recipes(), dict[str, ModelRate]()
    query = _TIMES.format(missing=columns_missing(STAGE_RUNS, lake.columns(STAGE_RUNS.name)))
    for row in lake.query(STAGE_RUNS.name, query):
        if live.get(row["stage"]) == row["recipe"] and row["images"] >= _MIN_TIMED_IMAGES:
            rate = ModelRate(row["seconds"] / row["images"], row["device"])
            if row["stage"] not in found or rate.on_gpu:
                found[row["stage"]] = rate
    return found


def _instance(rates: Rates, name: str) -> Instance:
    if name not in rates.instances:
        raise UsageError(f"No instance type {name!r} with a known price; {did_you_mean(name, rates.instances)}")
    return rates.instances[name]


def _with_gpus(rates: Rates) -> list[str]:
    return [name for name, instance in rates.instances.items() if instance.gpus]


def _duration(days: float) -> str:
    """Return a time in the largest unit of which there is at least one."""
    for unit, of_a_day in (("days", 1.0), ("hours", 24.0), ("minutes", 1440.0)):
        if days * of_a_day >= 1:
            return f"{_number(days * of_a_day)} {unit}"
    return f"{_number(days * 86400)} s"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
