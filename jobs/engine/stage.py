"""What a stage is: which keys it follows, what it reads for them, its pure transform, and what it writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.lake import Lake
from schemas.table import ENGINE_VERSION, Table
from udfs.experts.expert import ExpertSpec

KEYS = ("image_id", "ingest_shard")


@dataclass(frozen=True)
class Outputs:
    """What a micro-batch writes: the stage's rows, its rejects in QUARANTINE's shape, and rows of side tables."""

    rows: DataFrame
    rejects: DataFrame
    sides: tuple[tuple[Table, DataFrame], ...] = ()


@dataclass(frozen=True)
class Stage:
    """One table transformation.

    `read(lake, keys, shards)` joins what the transform needs for the micro-batch's keys, reading only its ingest
    shards; `transform` is pure; its result has the target's columns (null where rejected) and `rejects`, a list of
    REJECT structs. `recipe` names rows of this stage, `upstream_recipe` those that it follows. A stage that
    `replaces_shards` writes aggregates: its rows of the touched ingest shards are replaced, not added to. One that is
    `bulk` makes many rows of each key at little cost. `done` is the table that tells which keys were dealt with, the
    target unless another holds the key. Where `many_per_key` rows upstream have one key, which is dealt with once and
    whole, `rows_in` counts keys. A stage with an `expert` runs it on tasks with `gpus_per_task` (see
    `jobs/engine/resources.py`).
    """

    name: str
    upstream: Table
    target: Table
    recipe: str
    upstream_recipe: str
    read: Callable[[Lake, DataFrame, list[int]], DataFrame]
    transform: Callable[[DataFrame], DataFrame]
    settings: dict[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = KEYS
    files_per_batch: int = 8
    arrow_rows: int = 64
    split: "Callable[[Stage, Lake, DataFrame], Outputs] | None" = None
    replaces_shards: bool = False
    bulk: bool = False
    done: Table | None = None
    many_per_key: bool = False
    expert: ExpertSpec | None = None
    gpus_per_task: float | None = None

    def outputs(self, lake: Lake, transformed: DataFrame) -> Outputs:
        """Split a transformed micro-batch into what goes where."""
        if self.split is not None:
            return self.split(self, lake, transformed)
        return Outputs(rows=transformed.where(F.size("rejects") == 0), rejects=rejects_of(self, transformed))


def rejects_of(stage: Stage, transformed: DataFrame, attempt: int = 1) -> DataFrame:
    """Return the rejects of a transformed micro-batch in QUARANTINE's shape."""
    names = ("entry_id", "image_id", "uri")
    carried = [c if c in transformed.columns else F.lit(None).cast("string").alias(c) for c in names]
    exploded = transformed.where(F.size("rejects") > 0).select(
        *carried, "ingest_shard", F.explode("rejects").alias("reject")
    )
    retry = F.when(F.col("reject.outcome") == "failed", F.lit(f"spatiallake retry --stage {stage.name}"))
    return exploded.select(
        F.lit(stage.name).alias("stage"),
        "entry_id",
        "image_id",
        "uri",
        "reject.outcome",
        "reject.reason",
        "reject.error",
        F.lit(attempt).alias("attempt"),
        retry.alias("retry_command"),
        F.lit(stage.recipe).alias("recipe"),
        "ingest_shard",
        F.lit(ENGINE_VERSION).alias("engine_version"),
    )


def with_recipe(rows: DataFrame, recipe: str, shards: list[int]) -> DataFrame:
    """Keep the rows of one recipe in the given ingest shards, by predicates that skip files."""
    return rows.where((F.col("recipe") == recipe) & F.col("ingest_shard").isin(shards))
