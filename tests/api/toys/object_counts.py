"""A stage: how many objects each image has."""

from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructType

from jobs.engine.factories import row_stage
from jobs.engine.lake import Lake
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from schemas.scenes import SCENES
from schemas.table import Table, column, lineage

OBJECT_COUNTS = Table(
    name="object_counts",
    stage="count_objects",
    comment="Number of lifted objects of each image.",
    key=("image_id", "recipe"),
    schema=StructType(
        [
            column("image_id", StringType(), "SHA-256 of the image's bytes", False),
            column("objects", IntegerType(), "lifted objects", False),
            *lineage(),
        ]
    ),
)


def counted(row: dict[str, Any], settings: None) -> dict[str, Any]:
    return {"objects": len(row["objects"])}


def build(inputs: StageInputs) -> Stage:
    return row_stage(inputs, partial(read, recipe=inputs.recipe(SCENES)), counted)


def read(lake: Lake, keys: DataFrame, shards: list[int], recipe: str) -> DataFrame:
    scenes = with_recipe(lake.read(SCENES), recipe, shards).select("image_id", "ingest_shard", "objects")
    return scenes.join(F.broadcast(keys.select("image_id")), "image_id")


STAGE = StageDefinition(
    table=OBJECT_COUNTS,
    reads=(SCENES,),
    help="Count the objects of each image: `scenes` -> `object_counts`.",
    build=build,
)
