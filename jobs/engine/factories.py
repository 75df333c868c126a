"""Stages of two common kinds: one that runs an expert on images, and one that maps rows to rows."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.resource import ResourceProfile
from pyspark.sql import DataFrame, SparkSession

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.joined import Joined, Part
from jobs.engine.recipes import recipe_of
from jobs.engine.resources import resources_of, task_profile
from jobs.engine.small.work import SmallWork
from jobs.engine.stage import Read, Stage, StageInputs
from schemas.images import IMAGES
from schemas.table import Table
from udfs.experts.expert import expert_class, is_isolated
from udfs.stages.perceive import Finish, Perception, perceive
from udfs.stages.rows import Row, map_rows

# Called as batches(batches, schema=, settings=, recipe=).
Batches = Callable[..., Iterator[pa.RecordBatch]]


def expert_stage(
    inputs: StageInputs,
    finish: Finish,
    columns: tuple[str, ...] = (),
    beside: tuple[Part, ...] = (),
    thresholds: Mapping[str, float] | None = None,
) -> Stage:
    """Return a stage that runs the slot's expert; `finish(row, prediction)` makes the table's row on executors.

    The expert reads the columns of `images` that it declares; `finish` also gets `columns`, and those of the tables
    `beside`. Rows whose `scores` do not reach the thresholds are filtered before the expert sees them.
    """
    definition, spec = inputs.definition, inputs.expert
    slot = definition.slot or definition.name
    if spec is None:
        raise ValueError(f"Stage {definition.name} needs an expert; build it with `made(expert=...)`.")
    settings = inputs.with_rules({"expert": spec.for_recipe()})
    recipe = recipe_of(definition.name, settings, inputs.upstream_recipe)
    asked = resources_of(slot, spec, inputs.gpus_per_task)
    wanted = dict.fromkeys(("image_id", "ingest_shard", *columns, *expert_class(slot, spec).columns))
    read = Joined(Part(IMAGES, tuple(wanted)), beside)
    perception = Perception(slot, spec, finish, recipe, thresholds or {})
    table = definition.table

    def transform(df: DataFrame) -> DataFrame:
        session = df.sparkSession
        batches = partial(perceive, perception=replace(perception, tells_device=not _shares_a_terminal(session)))
        return _mapped(df, batches, table, task_profile(session, asked.gpus_per_task))

    return Stage(
        definition=definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=read,
        transform=transform,
        settings=settings,
        files_per_batch=asked.files_per_batch,
        arrow_rows=asked.arrow_rows,
        expert=spec,
        gpus_per_task=asked.gpus_per_task,
        small=SmallWork(read.in_arrow, partial(perceive, perception=perception), loads_a_model=is_isolated(slot, spec)),
    )


def _shares_a_terminal(session: SparkSession) -> bool:
    """Return whether what workers tell would come between the progress bars of this command."""
    return sys.stderr.isatty() and (session.conf.get("spark.master", "") or "").startswith("local[")


def batch_stage(
    inputs: StageInputs,
    read: Read,
    batches: Batches,
    files_per_batch: int = 8,
    arrow_rows: int = 64,
    changes: Mapping[str, Any] | None = None,
) -> Stage:
    """Return a stage whose rows `batches(batches, schema=, settings=, recipe=)` makes on executors.

    `changes` are the settings that the recipe hashes, by default the whole section.
    """
    section = inputs.settings.model_dump() if inputs.settings is not None else {}
    settings = inputs.with_rules(section if changes is None else changes)
    recipe = recipe_of(inputs.definition.name, settings, inputs.upstream_recipe)
    bound = partial(batches, settings=inputs.settings, recipe=recipe)
    in_arrow = getattr(read, "in_arrow", None)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=read,
        transform=partial(_mapped, batches=bound, table=inputs.definition.table),
        settings=settings,
        files_per_batch=files_per_batch,
        arrow_rows=arrow_rows,
        small=None if in_arrow is None else SmallWork(in_arrow, bound),
    )


def row_stage(
    inputs: StageInputs,
    read: Read,
    row: Callable[..., Row],
    files_per_batch: int = 8,
    arrow_rows: int = 64,
    changes: Mapping[str, Any] | None = None,
) -> Stage:
    """Return a stage whose rows `row(upstream_row, settings=)` makes one by one on executors."""
    return batch_stage(inputs, read, partial(_rows, row=row), files_per_batch, arrow_rows, changes)


def _mapped(df: DataFrame, batches: Batches, table: Table, profile: ResourceProfile | None = None) -> DataFrame:
    def run(some: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        return batches(some, schema=schema)

    return map_batches(df, run, output_type(table), profile)


def _rows(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, row: Callable[..., Row], settings: Any, recipe: str
) -> Iterator[pa.RecordBatch]:
    return map_rows(batches, partial(row, settings=settings), schema, recipe)
