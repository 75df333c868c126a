"""Statistics: additive counts of answers and of their objects per ingest shard, so that totals never scan answers."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField, StructType

from jobs.engine.joined import Part, beside
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.recipes import recipe_of
from jobs.engine.small.work import SmallOutputs, SmallWork
from jobs.engine.stage import Stage, StageDefinition, StageInputs, rejects_of, with_recipe
from jobs.engine.writing import Outputs, ReplaceShards
from schemas.answers import QA_PAIRS
from schemas.images import CRAWL
from schemas.operations import REJECT
from schemas.scenes import SCENES
from schemas.statistics import BINS_PER_DECADE, OBJECT_STATISTICS, QA_STATISTICS
from udfs.stages.statistics import OBJECT_ROW, OF_ANSWER, OF_IMAGE, answers_sql, objects_sql, statistics_batches

_OBJECT = ("object_id", "label", "range_m")
_READ = (
    *("qa_id", "image_id", "ingest_shard", "licence", "split", "type_id", "family", "answer_form", "unit_text"),
    *("unit_si", "value_si", "answer_bool", "answer", "question", "object_ids"),
)


def _build(inputs: StageInputs) -> Stage:
    # Other columns to count by are another recipe: rows of the former ones cannot be added to those of these.
    settings = {"by": [*OF_IMAGE, *OF_ANSWER], "bins_per_decade": BINS_PER_DECADE}
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
        small=SmallWork(
            partial(_read_small, qa_recipe=inputs.upstream_recipe, scene_recipe=inputs.recipe(SCENES)),
            partial(statistics_batches, recipe=recipe),
            extra=(StructField(OBJECT_ROW, StructType(list(OBJECT_STATISTICS.schema.fields))),),
            together=True,
            split=_small_outputs,
        ),
    )


def _read(lake: Lake, keys: DataFrame, shards: list[int], qa_recipe: str, scene_recipe: str) -> DataFrame:
    # Whole shards, not just the new keys: a shard's counts are replaced.
    answers = with_recipe(lake.read(QA_PAIRS), qa_recipe, shards).select(*_READ)
    scenes = with_recipe(lake.read(SCENES), scene_recipe, shards)
    named = F.transform("objects", lambda one: F.struct(*(one[name] for name in _OBJECT)))
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
    session: Any = df.sparkSession
    mentioned = df.withColumn("object_id", F.explode(F.array_distinct("object_ids")))
    # Null for an object that the scene does not hold; its label and distance are unknown then.
    about = F.get(F.filter("objects", lambda one: one["object_id"] == F.col("object_id")), F.lit(0))
    mentions = mentioned.withColumns({"label": about["label"], "range_m": about["range_m"]})
    objects = session.sql(objects_sql("{mentions}", recipe), mentions=mentions)
    beside = objects.select(F.struct(*OBJECT_STATISTICS.columns).alias(OBJECT_ROW))
    rows = session.sql(answers_sql("{answers}", recipe), answers=df).select(*QA_STATISTICS.columns)
    nothing = F.array().cast(ArrayType(REJECT)).alias("rejects")
    return rows.unionByName(beside, allowMissingColumns=True).select(*QA_STATISTICS.columns, OBJECT_ROW, nothing)


def _outputs(stage: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
    is_object = F.col(OBJECT_ROW).isNotNull()
    beside = transformed.where(is_object).select(f"{OBJECT_ROW}.*")
    return Outputs(
        rows=transformed.where(~is_object),
        rejects=rejects_of(stage, transformed),
        sides=((OBJECT_STATISTICS, beside),),
    )


def _read_small(lake: Lake, keys: pa.Table, qa_recipe: str, scene_recipe: str) -> pa.Table:
    shards = pc.unique(keys["ingest_shard"])
    answers = Part(QA_PAIRS, _READ, qa_recipe).in_arrow(lake, "ingest_shard", shards)
    listed = Part(CRAWL, ("ingest_shard", "crawl_uri", "listed_on")).in_arrow(lake, "ingest_shard", shards)
    listings = listed.group_by("ingest_shard").aggregate([("crawl_uri", "min"), ("listed_on", "min")])
    listings = listings.rename_columns({"crawl_uri_min": "crawl_uri", "listed_on_min": "ingest_day"})
    scenes = Part(SCENES, ("image_id", "objects"), scene_recipe, fields={"objects": _OBJECT})
    of_images = scenes.in_arrow(lake, "image_id", pc.unique(answers["image_id"]))
    return beside(beside(answers, listings, "ingest_shard"), of_images, keep_all=True)


def _small_outputs(lake: Lake, transformed: pa.Table) -> SmallOutputs:
    is_object = pc.is_valid(transformed[OBJECT_ROW])
    objects = transformed.filter(is_object)[OBJECT_ROW]
    beside = pa.table({name: pc.struct_field(objects, name) for name in OBJECT_STATISTICS.columns})
    return SmallOutputs(transformed.filter(pc.invert(is_object)), ((OBJECT_STATISTICS, beside),))


STAGE = StageDefinition(
    table=QA_STATISTICS,
    reads=(QA_PAIRS, SCENES, CRAWL),
    help=HELP["statistics"],
    build=_build,
    writing=ReplaceShards(counted="answers", beside=(OBJECT_STATISTICS,)),
    side_tables=(OBJECT_STATISTICS,),
)
