"""A stage of somebody else's, in one module outside the tree: how long the question of each answer is."""

from collections.abc import Iterator

import pyarrow as pa
from pydantic import Field
from pyspark.sql import DataFrame
from pyspark.sql.types import LongType, StringType, StructType

from jobs.engine.factories import batch_stage
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from jobs.engine.writing import AppendOncePerKey
from schemas.answers import QA_PAIRS
from schemas.settings import Settings
from schemas.table import ENGINE_VERSION, Table, column, lineage

QUESTION_LENGTHS = Table(
    name="question_lengths",
    stage="measure_questions",
    comment="Length of each question.",
    key=("qa_id", "recipe"),
    schema=StructType(
        [
            column("image_id", StringType(), "hash", False),
            column("qa_id", StringType(), "row of `qa_pairs`", False),
            column("length", LongType(), "characters times `factor`", False),
            *lineage(),
        ]
    ),
)


class ToySettings(Settings):
    factor: int = Field(default=1, ge=1, description="what lengths are multiplied by")


def measured(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, settings: ToySettings, recipe: str
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [
            {
                **{name: row[name] for name in ("image_id", "qa_id", "ingest_shard")},
                "length": len(row["question"]) * settings.factor,
                "recipe": recipe,
                "engine_version": ENGINE_VERSION,
                "rejects": [],
            }
            for row in batch.to_pylist()
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


def build(inputs: StageInputs) -> Stage:
    def read(lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
        answers = with_recipe(lake.read(QA_PAIRS), inputs.upstream_recipe, shards)
        return answers.join(keys.select("image_id").distinct(), "image_id", "left_semi")

    return batch_stage(inputs, read, measured)


STAGE = StageDefinition(
    table=QUESTION_LENGTHS,
    reads=(QA_PAIRS,),
    help="Measure the length of every question.",
    build=build,
    settings=ToySettings,
    in_run=False,
    writing=AppendOncePerKey(),
)
