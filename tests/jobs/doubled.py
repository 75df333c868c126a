"""A stage whose rows are known: it doubles numbers, and those under 0 fail."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import LongType, StringType, StructType

from jobs.engine.factories import batch_stage
from jobs.engine.lake import Lake
from jobs.engine.rules import Rule
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from jobs.engine.writing import Append, ReplaceShards
from schemas.table import ENGINE_VERSION, Table, column, lineage

_COLUMNS = [column("image_id", StringType(), "key", False), column("number", LongType(), "number", False), *lineage()]
UPSTREAM = Table("numbers", "Numbers.", StructType(_COLUMNS), ("image_id",), stage="numbers")
TARGET = Table("doubled", "Doubled numbers.", StructType(_COLUMNS), ("image_id",), stage="doubled")


def doubled(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: Any, recipe: str, copies: int
) -> Iterator[pa.RecordBatch]:
    """Double each number, `copies` times; numbers under 0 fail."""
    for batch in batches:
        rows = []
        for row in batch.to_pylist():
            keys = {"image_id": row["image_id"], "ingest_shard": row["ingest_shard"]}
            keys |= {"recipe": recipe, "engine_version": ENGINE_VERSION}
            if row["number"] < 0:
                rejects = [{"outcome": "failed", "reason": "unexpected_error", "error": "a number under 0"}]
                rows.append({**keys, "rejects": rejects})
            else:
                rows += [{**keys, "number": 2 * row["number"], "rejects": []}] * copies
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


def stage_with(writing: Append, copies: int = 1, rules: tuple[Rule, ...] = ()) -> Stage:
    def build(inputs: StageInputs) -> Stage:
        def read(lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
            numbers = with_recipe(lake.read(UPSTREAM), "up", shards)
            if isinstance(writing, ReplaceShards):
                return numbers
            return numbers.join(keys.select("image_id").distinct(), "image_id", "left_semi")

        return batch_stage(inputs, read, partial(doubled, copies=copies))

    definition = StageDefinition(TARGET, (UPSTREAM,), "Double.", build, writing=writing)
    # Only the recipe of the stage before is asked for.
    before = Stage(definition, "up", "", read=lambda lake, keys, shards: keys, transform=lambda df: df)
    return definition.made({"numbers": before}, rules=rules)


def numbers(lake: Lake, values: dict[str, int], shard: int = 0, version: int = 0) -> DataFrame:
    """Append numbers upstream and return their keys."""
    rows = [(name, value, "up", shard, ENGINE_VERSION) for name, value in values.items()]
    frame = lake.session.createDataFrame(rows, UPSTREAM.schema)
    lake.append(UPSTREAM, frame, f"test-{shard}", version)
    return frame.select("image_id", "ingest_shard")


def found(lake: Lake, table: Table = TARGET) -> list[tuple[Any, ...]]:
    names = ("image_id", "number") if table is TARGET else ("image_id", "reason")
    return sorted(tuple(row[name] for name in names) for row in lake.read(table).collect())
