"""Stages: the definition that a module declares, and the stage built from it for given settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.lake import Lake
from jobs.engine.rules import ROWS_JSON, Rule, hashed, ruled, warnings_of
from jobs.engine.small.work import SmallWork
from jobs.engine.writing import Append, Outputs
from schemas.operations import QUARANTINE, STAGE_RUNS
from schemas.table import ENGINE_VERSION, Table
from udfs.experts.expert import ExpertSpec

KEYS = ("image_id", "ingest_shard")
Read = Callable[[Lake, DataFrame, list[int]], DataFrame]


@dataclass(frozen=True)
class StageDefinition:
    """A stage as its module declares it, in an attribute `STAGE`.

    `table` is the table that it writes, whose `Table.stage` is its name. `reads` are the tables that it reads; it
    follows the first one row by row. `help` is its command's help, one sentence. `settings` is the class of its
    settings section, `slot` the slot of the expert profile that it runs. `in_run` says whether `spatiallake run`
    includes it. `keys` are the columns that identify an upstream row, `writing` is how it writes, `side_tables` are
    what it writes besides `table`. `build` makes the stage for given settings.
    """

    table: Table
    reads: tuple[Table, ...]
    help: str
    build: "Callable[[StageInputs], Stage]"
    settings: type[BaseModel] | None = None
    slot: str | None = None
    in_run: bool = True
    keys: tuple[str, ...] = KEYS
    writing: Append = field(default_factory=Append)
    side_tables: tuple[Table, ...] = ()

    @property
    def name(self) -> str:
        """Return the stage's name."""
        return self.table.stage or ""

    @property
    def upstream(self) -> str:
        """Return the name of the stage that writes the table it follows."""
        return self.reads[0].stage or ""

    @property
    def is_source(self) -> bool:
        """Return whether the stage reads a crawl instead of another stage's table."""
        return self.upstream == self.name

    def made(
        self,
        upstream: "Mapping[str, Stage] | None" = None,
        settings: BaseModel | None = None,
        expert: ExpertSpec | None = None,
        gpus_per_task: float | None = None,
        rules: tuple[Rule, ...] = (),
    ) -> "Stage":
        """Return the stage built for these settings (default: the section's own), stages, expert and rules."""
        settings = settings or (self.settings() if self.settings else None)
        stage = self.build(StageInputs(self, upstream or {}, settings, expert, gpus_per_task, rules))
        return replace(stage, rules=rules, configuration=_configuration(settings, expert, rules))


@dataclass(frozen=True)
class StageInputs:
    """What a stage is built from; `upstream` holds stages built before, by name."""

    definition: StageDefinition
    upstream: "Mapping[str, Stage]"
    settings: Any = None
    expert: ExpertSpec | None = None
    gpus_per_task: float | None = None
    rules: tuple[Rule, ...] = ()

    def with_rules(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the stage's recipe hashes: its settings, and the rules that decide which rows there are."""
        decisive = hashed(self.rules)
        return {**settings, "rules": decisive} if decisive else dict(settings)

    def recipe(self, table: Table) -> str:
        """Return the recipe of the rows to read from a table; tables without recipes have their stage's name."""
        if "recipe" not in table.columns:
            return table.stage or ""
        return self.upstream[table.stage or ""].recipe

    @property
    def upstream_recipe(self) -> str:
        """Return the recipe of the rows that the stage follows."""
        return self.recipe(self.definition.reads[0])


@dataclass(frozen=True)
class Stage:
    """One table transformation, ready to run.

    `read(lake, keys, shards)` joins what the transform needs for the micro-batch's keys, reading only its ingest
    shards; `transform` is pure, its result has the target's columns (null where rejected) and `rejects`, a list of
    REJECT structs. `recipe` names rows of this stage, `upstream_recipe` those that it follows. `settings` are what the
    recipe hashes, `configuration` is everything needed to build the stage again. `split` overrides how rows are
    distributed over tables. A stage with an `expert` runs it on tasks with `gpus_per_task` (see
    `jobs/engine/resources.py`). `rules` are those of its table. `prepare` adapts the stage to what a lake says now,
    before each micro-batch. `small` is what it does in a small run; without it, it always runs in Spark. `device` is
    where its learned expert was loaded, once that is known.
    """

    definition: StageDefinition
    recipe: str
    upstream_recipe: str
    read: Read
    transform: Callable[[DataFrame], DataFrame]
    settings: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    files_per_batch: int = 8
    shards_per_batch: int = 8
    arrow_rows: int = 64
    split: "Callable[[Stage, Lake, DataFrame], Outputs] | None" = None
    expert: ExpertSpec | None = None
    gpus_per_task: float | None = None
    rules: tuple[Rule, ...] = ()
    prepare: "Callable[[Stage, Lake], Stage] | None" = None
    small: SmallWork | None = None
    device: str | None = None

    @property
    def name(self) -> str:
        """Return the stage's name."""
        return self.definition.name

    @property
    def upstream(self) -> Table:
        """Return the table that the stage follows."""
        return self.definition.reads[0]

    @property
    def target(self) -> Table:
        """Return the table that the stage writes."""
        return self.definition.table

    @property
    def committed(self) -> tuple[Table, ...]:
        """Return the tables that every micro-batch commits to, `quarantine` and its account in `stage_runs` last."""
        return (self.target, *self.writing.shows, QUARANTINE, STAGE_RUNS)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the columns that identify an upstream row, the key itself first."""
        return self.definition.keys

    @property
    def writing(self) -> Append:
        """Return how the stage writes."""
        return self.definition.writing

    def prepared(self, lake: Lake) -> "Stage":
        """Return the stage as it is to work on this lake now."""
        return self.prepare(self, lake) if self.prepare else self

    def transformed(self, lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
        """Return the rows of the micro-batch's keys, with the rejects of the transform and of the rules."""
        rows = self.transform(self.read(lake, keys, shards))
        return ruled(rows, self.rules, self.target, kept_with_rejects=self.writing.done is not None)

    def warnings(self, transformed: DataFrame) -> dict[str, int]:
        """Return how many rows break each rule that warns, or end the run, as `rules.warnings_of` says."""
        return warnings_of(transformed, self.rules, self.name)

    def outputs(self, lake: Lake, transformed: DataFrame) -> Outputs:
        """Split a transformed micro-batch into what goes where."""
        if self.split is not None:
            return self.split(self, lake, transformed)
        rows = transformed.where(F.size("rejects") == 0)
        return Outputs(rows, rejects_of(self, transformed), rows_without_rejects=True)


def rejects_of(stage: Stage, transformed: DataFrame, attempt: int = 1) -> DataFrame:
    """Return the rejects of a transformed micro-batch in QUARANTINE's shape."""
    names = ("entry_id", "image_id", "uri", ROWS_JSON)
    carried = [c if c in transformed.columns else F.lit(None).cast("string").alias(c) for c in names]
    exploded = transformed.where(F.size("rejects") > 0).select(
        *carried, "ingest_shard", F.explode("rejects").alias("reject")
    )
    retry = F.when(F.col("reject.outcome") == "failed", F.lit(f"spatiallake retry --stage {stage.name}"))
    rejects = exploded.select(
        F.lit(stage.name).alias("stage"),
        *names,
        *(f"reject.{name}" for name in ("outcome", "reason", "error")),
        F.lit(attempt).alias("attempt"),
        retry.alias("retry_command"),
        F.lit(stage.recipe).alias("recipe"),
        "ingest_shard",
        F.lit(ENGINE_VERSION).alias("engine_version"),
    )
    return _once_per_key(rejects) if stage.rules else rejects


def _once_per_key(rejects: DataFrame) -> DataFrame:
    """Join the rejects of several rows of one key, such as answers about one image, that break the same rule."""
    same = [name for name in rejects.columns if name != ROWS_JSON]
    listed = F.sort_array(F.collect_list(ROWS_JSON))
    rows = F.when(F.size(listed) > 0, F.concat(F.lit("["), F.concat_ws(",", listed), F.lit("]")))
    return rejects.groupBy(*same).agg(rows.alias(ROWS_JSON))


def with_recipe(rows: DataFrame, recipe: str, shards: list[int]) -> DataFrame:
    """Keep the rows of one recipe in the given ingest shards, with predicates that let Delta skip files."""
    return rows.where((F.col("recipe") == recipe) & F.col("ingest_shard").isin(shards))


def _configuration(settings: BaseModel | None, expert: ExpertSpec | None, rules: tuple[Rule, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if settings is not None:
        found["settings"] = settings.model_dump(mode="json")
    if expert is not None:
        found["expert"] = _whole(expert)
    if rules:
        found["rules"] = [rule.model_dump(mode="json") for rule in rules]
    return found


def _whole(spec: ExpertSpec) -> dict[str, Any]:
    """Return every field of a spec, including those that its dump omits because they are not part of a recipe."""
    parts = {name: _whole(part) for name, part in spec.parts.items()}
    return {**spec.model_dump(mode="json"), "timeout_s": spec.timeout_s, "parts": parts}
