"""Statistics: additive counts of answers and of their objects per ingest shard, so that totals never scan answers."""

from functools import partial

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from jobs.engine.lake import Lake
from jobs.engine.recipes import recipe_of
from jobs.engine.stage import Stage, StageDefinition, StageInputs, rejects_of, with_recipe
from jobs.engine.writing import Outputs, ReplaceShards
from schemas.answers import QA_PAIRS
from schemas.images import CRAWL
from schemas.operations import REJECT
from schemas.scenes import SCENES
from schemas.statistics import BINS_PER_DECADE, OBJECT_STATISTICS, QA_STATISTICS
from schemas.table import ENGINE_VERSION

_OF_IMAGE = ("crawl_uri", "ingest_day", "licence", "split", "ingest_shard")
_OF_ANSWER = ("type_id", "family", "answer_form", "unit", "distance_bin")
_READ = (
    *("qa_id", "image_id", "ingest_shard", "licence", "split", "type_id", "family", "answer_form", "unit_text"),
    *("unit_si", "value_si", "answer_bool", "answer", "question", "object_ids"),
)
# The row of `object_statistics`, beside those of `qa_statistics`, which have none.
_OBJECT = "object_row"


def _build(inputs: StageInputs) -> Stage:
    # Other columns to count by are another recipe: rows of the former ones cannot be added to those of these.
    settings = {"by": [*_OF_IMAGE, *_OF_ANSWER], "bins_per_decade": BINS_PER_DECADE}
    recipe = recipe_of("statistics", settings, inputs.upstream_recipe)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=partial(_read, qa_recipe=inputs.upstream_recipe, scene_recipe=inputs.recipe(SCENES)),
        transform=partial(transform, recipe=recipe),
        settings=settings,
        files_per_batch=256,
        split=_outputs,
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], qa_recipe: str, scene_recipe: str) -> DataFrame:
    # Whole shards, not just the new keys: a shard's counts are replaced.
    answers = with_recipe(lake.read(QA_PAIRS), qa_recipe, shards).select(*_READ)
    scenes = with_recipe(lake.read(SCENES), scene_recipe, shards)
    named = F.transform("objects", lambda one: F.struct(one["object_id"], one["label"], one["range_m"]))
    objects = scenes.select("image_id", named.alias("objects"))
    return answers.join(F.broadcast(_listings(lake, shards)), "ingest_shard").join(objects, "image_id", "left")


def _listings(lake: Lake, shards: list[int]) -> DataFrame:
    """Return the crawl and the day of each shard; a shard belongs to one listing."""
    crawl = lake.read(CRAWL).where(F.col("ingest_shard").isin(shards))
    # A lake of an earlier version gets the column with the next listing.
    day = F.col("listed_on") if "listed_on" in crawl.columns else F.lit(None).cast("date")
    first = (F.min("crawl_uri").alias("crawl_uri"), F.min(day).alias("ingest_day"))
    return crawl.groupBy("ingest_shard").agg(*first)


def transform(df: DataFrame, recipe: str) -> DataFrame:
    """Return rows of `qa_statistics`, and in `object_row` those of `object_statistics`, of the answers in `df`.

    `df` holds whole ingest shards: `qa_pairs` with the crawl, the day and the objects of each image.
    """
    own = {"recipe": F.lit(recipe), "engine_version": F.lit(ENGINE_VERSION)}
    objects = _objects(df).withColumns(own)
    beside = objects.select(F.struct(*OBJECT_STATISTICS.columns).alias(_OBJECT))
    rows = _answers(df).withColumns(own).select(*QA_STATISTICS.columns)
    nothing = F.array().cast(ArrayType(REJECT)).alias("rejects")
    return rows.unionByName(beside, allowMissingColumns=True).select(*QA_STATISTICS.columns, _OBJECT, nothing)


def _answers(df: DataFrame) -> DataFrame:
    value, lettered = F.col("value_si"), F.col("answer_form") == "letter"
    length = F.when(F.col("unit_si") == "m", value)
    counted = df.withColumns(
        {
            "unit": F.col("unit_text"),
            "distance_bin": distance_bin(length),
            "first_of_image": _is_first("image_id"),
            "first_of_type": _is_first("image_id", "type_id"),
        }
    )
    return counted.groupBy(*_OF_IMAGE, *_OF_ANSWER).agg(
        F.count("*").alias("answers"),
        _count(F.col("first_of_type")).alias("images"),
        _count(F.col("first_of_image")).alias("answered_images"),
        _count(F.col("answer_bool")).alias("yes"),
        _count(~F.col("answer_bool")).alias("no"),
        _count(lettered & F.col("answer").startswith("A")).alias("letter_a"),
        _count(lettered & F.col("answer").startswith("B")).alias("letter_b"),
        _count(value > 0).alias("measured"),
        _sum(value).alias("value_sum"),
        F.min(value).alias("value_min"),
        F.max(value).alias("value_max"),
        _sum(F.when(value > 0, F.log(value))).alias("log_value_sum"),
        F.sum(F.length("question") + F.length("answer")).alias("characters"),
    )


def _objects(df: DataFrame) -> DataFrame:
    mentioned = df.withColumn("object_id", F.explode(F.array_distinct("object_ids")))
    # Null for an object that the scene does not hold; its label and distance are unknown then.
    about = F.get(F.filter("objects", lambda one: one["object_id"] == F.col("object_id")), F.lit(0))
    of_object = mentioned.groupBy(*_OF_IMAGE, "image_id", "object_id").agg(
        F.count("*").alias("mentions"), F.first(about).alias("seen")
    )
    range_m = F.col("seen.range_m")
    binned = of_object.withColumns({"label": F.col("seen.label"), "distance_bin": distance_bin(range_m)})
    return binned.groupBy(*_OF_IMAGE, "label", "distance_bin").agg(
        F.count("*").alias("objects"),
        F.sum("mentions").alias("mentions"),
        F.sum(range_m).alias("range_sum_m"),
        F.min(range_m).alias("range_min_m"),
        F.max(range_m).alias("range_max_m"),
    )


def distance_bin(distance_m: Column) -> Column:
    """Return the number of the bin, as `schemas.statistics` defines it; null where there is no length over 0."""
    return F.when(distance_m > 0, F.floor(F.log10(distance_m) * BINS_PER_DECADE)).cast("int")


def _is_first(*of: str) -> Column:
    return F.row_number().over(Window.partitionBy(*of).orderBy("qa_id")) == 1


def _sum(value: Column) -> Column:
    """Return the sum to 12 decimals, which is the same for any order of the rows, unlike that of floats."""
    return F.sum(value.cast("decimal(30,12)")).cast("double")


def _count(condition: Column) -> Column:
    return F.sum(F.when(condition, 1).otherwise(0)).cast("bigint")


def _outputs(stage: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
    is_object = F.col(_OBJECT).isNotNull()
    beside = transformed.where(is_object).select(f"{_OBJECT}.*")
    return Outputs(
        rows=transformed.where(~is_object),
        rejects=rejects_of(stage, transformed),
        sides=((OBJECT_STATISTICS, beside),),
    )


STAGE = StageDefinition(
    table=QA_STATISTICS,
    reads=(QA_PAIRS, SCENES, CRAWL),
    help="Count answers and their objects: `qa_pairs` -> `qa_statistics`, `object_statistics`.",
    build=_build,
    writing=ReplaceShards(counted="answers", beside=(OBJECT_STATISTICS,)),
    side_tables=(OBJECT_STATISTICS,),
)
