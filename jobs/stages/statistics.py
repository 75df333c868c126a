"""Statistics: additive counts of answers per ingest shard and type, so that totals never scan the answers."""

from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from jobs.engine.lake import Lake
from jobs.engine.recipes import recipe_of
from jobs.engine.stage import Stage, StageDefinition, StageInputs, with_recipe
from jobs.engine.writing import ReplaceShards
from schemas.answers import QA_PAIRS, QA_STATISTICS
from schemas.operations import REJECT
from schemas.table import ENGINE_VERSION


def _build(inputs: StageInputs) -> Stage:
    recipe = recipe_of("statistics", {}, inputs.upstream_recipe)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=partial(_read, qa_recipe=inputs.upstream_recipe),
        transform=partial(transform, recipe=recipe),
        files_per_batch=256,
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], qa_recipe: str) -> DataFrame:
    # Whole shards, not just the new keys: a shard's counts are replaced.
    return with_recipe(lake.read(QA_PAIRS), qa_recipe, shards)


def transform(df: DataFrame, recipe: str) -> DataFrame:
    """Return `qa_statistics` rows of the answers in `df`, which holds whole ingest shards."""
    value = F.col("value_si")
    grouped = df.groupBy("type_id", "family", "split", "ingest_shard").agg(
        F.count("*").alias("answers"),
        F.count_distinct("image_id").alias("images"),
        _count(F.col("answer_bool")).alias("yes"),
        _count(~F.col("answer_bool")).alias("no"),
        _count((F.col("answer_form") == "letter") & F.col("answer").startswith("A")).alias("letter_a"),
        _count((F.col("answer_form") == "letter") & F.col("answer").startswith("B")).alias("letter_b"),
        F.sum(value).alias("value_sum"),
        F.min(value).alias("value_min"),
        F.max(value).alias("value_max"),
        F.sum(F.when(value > 0, F.log(value))).alias("log_value_sum"),
        F.sum(F.length("question") + F.length("answer")).alias("characters"),
    )
    return grouped.select(
        *(c for c in QA_STATISTICS.columns if c not in ("recipe", "engine_version")),
        F.lit(recipe).alias("recipe"),
        F.lit(ENGINE_VERSION).alias("engine_version"),
        F.array().cast(ArrayType(REJECT)).alias("rejects"),
    )


def _count(condition: Column) -> Column:
    return F.sum(F.when(condition, 1).otherwise(0)).cast("bigint")


STAGE = StageDefinition(
    table=QA_STATISTICS,
    reads=(QA_PAIRS,),
    help="Count answers: `qa_pairs` -> `qa_statistics`.",
    build=_build,
    writing=ReplaceShards(counted="answers"),
)
