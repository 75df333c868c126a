"""Duplicates: clusters of images that show the same, and groups of images that no split may divide."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.joined import Part
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.recipes import recipe_of
from jobs.engine.small.work import SmallWork
from jobs.engine.stage import Stage, StageDefinition, StageInputs
from schemas.duplicates import NEAR_DUPLICATES
from schemas.images import IMAGES
from udfs.stages.duplicates import DuplicatesSettings, duplicate_batches

# New images are compared with each other and with all known ones, so that they are taken together.
_TOGETHER = 1_000_000
_ARROW_ROWS = 20_000
# Of more shards, Spark's plan would cost more than the files that it skips.
_MAX_LISTED_SHARDS = 1_000
_DESCRIBED = ("image_id", "ingest_shard", "phash", "sequence_id")
_ASSIGNED = ("cluster_id", "group_id", "other_groups")


def _build(inputs: StageInputs) -> Stage:
    settings = inputs.settings.model_dump()
    recipe = recipe_of(inputs.definition.name, settings, inputs.upstream_recipe)
    batches = partial(duplicate_batches, settings=inputs.settings, recipe=recipe)
    return Stage(
        definition=inputs.definition,
        recipe=recipe,
        upstream_recipe=inputs.upstream_recipe,
        read=partial(_read, recipe=recipe),
        transform=partial(transform, settings=inputs.settings, recipe=recipe),
        settings=settings,
        files_per_batch=_TOGETHER,
        shards_per_batch=_TOGETHER,
        arrow_rows=_ARROW_ROWS,
        small=SmallWork(partial(_read_small, recipe=recipe), batches, together=True),
    )


def transform(df: DataFrame, settings: DuplicatesSettings, recipe: str) -> DataFrame:
    """Return the rows of the images in `df` that have no cluster yet; the others are what these are compared with."""
    batches = partial(duplicate_batches, settings=settings, recipe=recipe)
    found = map_batches(df.repartition(1), batches, output_type(NEAR_DUPLICATES))
    # Later stages read a few shards at a time, and skip the files of the others.
    return found.repartitionByRange("ingest_shard").sortWithinPartitions("ingest_shard", "image_id")


def _read(lake: Lake, keys: DataFrame, shards: list[int], recipe: str) -> DataFrame:
    images = lake.read(IMAGES)
    if len(shards) <= _MAX_LISTED_SHARDS:
        images = images.where(F.col("ingest_shard").isin(shards))
    pixels = (F.col("width").cast("bigint") * F.col("height")).alias("pixels")
    ids = keys.select("image_id")
    new = images.select(*_DESCRIBED, pixels).join(ids, "image_id", "left_semi")
    known = lake.read(NEAR_DUPLICATES).where(F.col("recipe") == recipe).join(ids, "image_id", "left_anti")
    nothing = [F.lit(None).cast(NEAR_DUPLICATES.schema[name].dataType).alias(name) for name in _ASSIGNED]
    known_pixels = F.lit(None).cast("bigint").alias("pixels")
    return new.select("*", *nothing).unionByName(known.select(*_DESCRIBED, *_ASSIGNED, known_pixels))


def _read_small(lake: Lake, keys: pa.Table, recipe: str) -> pa.Table:
    import pyarrow.dataset as ds  # it imports pandas, which few commands need

    ids = keys["image_id"].combine_chunks()
    images = Part(IMAGES, (*_DESCRIBED, "width", "height")).in_arrow(lake, "image_id", ids)
    pixels = pc.multiply(images["width"].cast(pa.int64()), images["height"].cast(pa.int64()))
    new = images.drop_columns(["width", "height"]).append_column("pixels", pixels)
    other = ~ds.field("image_id").isin(ids) & (ds.field("recipe") == recipe)
    known = lake.dataset(NEAR_DUPLICATES).to_table(columns=[*_DESCRIBED, *_ASSIGNED], filter=other)
    # What the one has and the other lacks is null.
    return pa.concat_tables([known, new], promote_options="default")


STAGE = StageDefinition(
    table=NEAR_DUPLICATES,
    reads=(IMAGES,),
    help=HELP["duplicates"],
    build=_build,
    settings=DuplicatesSettings,
)
