"""Counts again what tables of sums say about ingest shards from which images were removed."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.lake import Lake
from jobs.engine.recipe_table import recipe_book
from jobs.engine.recipes import RecipeBook
from jobs.engine.registry import order_of_stages
from jobs.engine.stage import Stage, StageDefinition, with_recipe
from jobs.engine.writing import ReplaceShards

_SHARDS_PER_COMMIT = 256


def recompute(lake: Lake, definition: StageDefinition, shards: list[int]) -> None:
    """Replace the rows of the shards, under every recipe, by sums of what is left upstream."""
    book = recipe_book(lake)
    inside = F.col("ingest_shard").isin(shards)
    recipes = lake.read(definition.table).where(inside).select("recipe").distinct().collect() if shards else []
    for (recipe,) in sorted(recipes):
        stage = _stage(book, definition, recipe)
        for start in range(0, len(shards), _SHARDS_PER_COMMIT):
            stale = _stale(lake, stage, recipe, shards[start : start + _SHARDS_PER_COMMIT])
            if stale:
                _replace(lake, stage, recipe, stale)


def _stage(book: RecipeBook, definition: StageDefinition, recipe: str) -> Stage:
    """Return the stage as it was when it made the recipe, following the recipes that it followed."""
    row = book.newest(definition.name, recipe)
    chain = book.chain_of(row, order_of_stages()) if row else {}
    followed: Mapping[str, Any] = {name: SimpleNamespace(recipe=one) for name, one in (book.current() | chain).items()}
    given = (row.configuration or {}).get("settings") if row else None
    settings = definition.settings.model_validate(given or {}) if definition.settings else None
    return definition.made(followed, settings)


def _stale(lake: Lake, stage: Stage, recipe: str, shards: list[int]) -> list[int]:
    """Return the shards whose rows count another number of upstream rows than there are."""
    writing = stage.writing
    if not isinstance(writing, ReplaceShards) or writing.counted is None:
        return shards
    rows = with_recipe(lake.read(stage.target), recipe, shards)
    counted = rows.groupBy("ingest_shard").agg(F.sum(writing.counted).alias("n"))
    held = {row["ingest_shard"]: row["n"] for row in counted.collect()}
    now = _upstream(lake, stage, shards).groupBy("ingest_shard").agg(F.count("*").alias("n"))
    there = {row["ingest_shard"]: row["n"] for row in now.collect()}
    return [shard for shard in shards if held.get(shard, 0) != there.get(shard, 0)]


def _replace(lake: Lake, stage: Stage, recipe: str, shards: list[int]) -> None:
    keys = _upstream(lake, stage, shards).select(*stage.keys)
    rows = stage.transform(stage.read(lake, keys, shards)).where(F.size("rejects") == 0)
    rows = rows.withColumn("recipe", F.lit(recipe)).select(*stage.target.columns)
    inside = f"ingest_shard IN ({', '.join(map(str, shards))}) AND recipe = '{recipe}'"
    writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", inside)
    writer.save(lake.location(stage.target))


def _upstream(lake: Lake, stage: Stage, shards: list[int]) -> DataFrame:
    rows = lake.read(stage.upstream)
    if "recipe" not in rows.columns:
        return rows.where(F.col("ingest_shard").isin(shards))
    return with_recipe(rows, stage.upstream_recipe, shards)
