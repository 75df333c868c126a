"""Ingest: fetch what is listed, check it, and keep each distinct photograph once."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.lake import Lake
from jobs.engine.stage import Outputs, Stage, rejects_of
from schemas.images import CRAWL, IMAGES, PROVENANCE
from schemas.table import column
from udfs.crawl.limits import IngestSettings
from udfs.stages.ingest import ingest_batches

RECIPE = "ingest"
_EXTRA = (
    column("entry_id", StringType(), "row of `crawl`"),
    column("uri", StringType(), "where the bytes were read"),
    column("provenance", PROVENANCE.schema, "row of `provenance`, null where the photograph is rejected"),
)


def ingest_stage(limits: IngestSettings) -> Stage:
    """Return the stage that writes `images` and `provenance`."""
    return Stage(
        name="ingest",
        upstream=CRAWL,
        target=IMAGES,
        recipe=RECIPE,
        upstream_recipe=RECIPE,
        read=_read,
        transform=partial(transform, limits=limits),
        settings={"limits": limits.model_dump(mode="json")},
        keys=("entry_id", "ingest_shard"),
        split=_outputs,
        done=PROVENANCE,
    )


def transform(df: DataFrame, limits: IngestSettings) -> DataFrame:
    """Return, for each `crawl` row of `df`, the columns of `images`, `entry_id`, `uri`, `provenance` and `rejects`.

    A row with an `image_id` holds a sound photograph, with the rejects of its unsound parts; one without, only rejects.
    """
    return map_batches(df, partial(ingest_batches, limits=limits), output_type(IMAGES, _EXTRA))


def new_images(transformed: DataFrame, images: DataFrame) -> DataFrame:
    """Return `images` rows of the photographs that `images` lacks: of each, the row with the least entry_id."""
    sound = transformed.where(F.col("image_id").isNotNull())
    first = sound.groupBy("image_id").agg(F.min("entry_id").alias("entry_id"))
    # Only identities are compared and sent around; the photographs stay where they are.
    fresh = first.join(images.select("image_id"), "image_id", "left_anti").select("entry_id")
    return sound.join(F.broadcast(fresh), "entry_id", "left_semi").select(*IMAGES.columns)


def provenance_of(transformed: DataFrame) -> DataFrame:
    """Return `provenance` rows: one per entry whose photograph is sound, whether or not it is new."""
    return transformed.where(F.col("image_id").isNotNull()).select("provenance.*").select(*PROVENANCE.columns)


def _read(lake: Lake, keys: DataFrame, shards: list[int]) -> DataFrame:
    crawl = lake.read(CRAWL).where(F.col("ingest_shard").isin(shards))
    return crawl.join(F.broadcast(keys.select("entry_id")), "entry_id", "left_semi").select(*CRAWL.columns)


def _outputs(stage: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
    return Outputs(
        rows=new_images(transformed, lake.read(IMAGES)),
        rejects=rejects_of(stage, transformed),
        sides=((PROVENANCE, provenance_of(transformed)),),
    )
