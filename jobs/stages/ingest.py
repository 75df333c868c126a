"""Ingest: fetch what is listed, check it, and keep each distinct image once."""

# Functions of pyarrow.compute are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from jobs.engine.arrow import map_batches, output_type
from jobs.engine.joined import Joined, Part
from jobs.engine.lake import Lake
from jobs.engine.outlines import HELP
from jobs.engine.small.work import SmallOutputs, SmallWork
from jobs.engine.stage import Stage, StageDefinition, StageInputs, rejects_of
from jobs.engine.writing import Append, Outputs
from jobs.takedown.refusals import refused_keys
from schemas.images import CRAWL, IMAGES, PROVENANCE
from schemas.table import column
from udfs.crawl.limits import IngestSettings
from udfs.crawl.taken_down import RefusedKeys
from udfs.stages.ingest import ingest_batches

_EXTRA = (
    column("entry_id", StringType(), "row of `crawl`"),
    column("uri", StringType(), "where the bytes were read"),
    column("provenance", PROVENANCE.schema, "row of `provenance`, null where the image is rejected"),
)

_READ = Joined(Part(CRAWL, tuple(CRAWL.columns)), key="entry_id")


def _build(inputs: StageInputs) -> Stage:
    return Stage(
        definition=inputs.definition,
        recipe=inputs.definition.name,
        upstream_recipe=inputs.upstream_recipe,
        read=_READ,
        transform=partial(transform, limits=inputs.settings),
        settings={"limits": inputs.settings.model_dump(mode="json")},
        split=_outputs,
        prepare=partial(_refusing, limits=inputs.settings),
        small=_small(inputs.settings, RefusedKeys()),
    )


def _refusing(stage: Stage, lake: Lake, limits: IngestSettings) -> Stage:
    """Return the stage as it refuses what was taken down before."""
    refused = refused_keys(lake)
    return replace(stage, transform=partial(transform, limits=limits, refused=refused), small=_small(limits, refused))


def _small(limits: IngestSettings, refused: RefusedKeys) -> SmallWork:
    batches = partial(ingest_batches, limits=limits, refused=refused)
    return SmallWork(_READ.in_arrow, batches, extra=_EXTRA, split=_small_outputs)


def transform(df: DataFrame, limits: IngestSettings, refused: RefusedKeys | None = None) -> DataFrame:
    """Return, for each `crawl` row of `df`, the columns of `images`, `entry_id`, `uri`, `provenance` and `rejects`.

    A row with an `image_id` holds a valid image, with the rejects of its invalid parts; one without holds only rejects.
    """
    batches = partial(ingest_batches, limits=limits, refused=refused or RefusedKeys())
    return map_batches(df, batches, output_type(IMAGES, _EXTRA))


def new_images(transformed: DataFrame, images: DataFrame) -> DataFrame:
    """Return `images` rows of the images that the table lacks: for each, the row with the smallest entry_id."""
    sound = transformed.where(F.col("image_id").isNotNull())
    first = sound.groupBy("image_id").agg(F.min("entry_id").alias("entry_id"))
    # Only ids are compared and broadcast, so that images are not shuffled.
    fresh = first.join(images.select("image_id"), "image_id", "left_anti").select("entry_id")
    return sound.join(F.broadcast(fresh), "entry_id", "left_semi").select(*IMAGES.columns)


def provenance_of(transformed: DataFrame) -> DataFrame:
    """Return `provenance` rows: one per entry with a valid image, whether or not it is new."""
    return transformed.where(F.col("image_id").isNotNull()).select("provenance.*").select(*PROVENANCE.columns)


def _outputs(stage: Stage, lake: Lake, transformed: DataFrame) -> Outputs:
    return Outputs(
        rows=new_images(transformed, lake.read(IMAGES)),
        rejects=rejects_of(stage, transformed),
        sides=((PROVENANCE, provenance_of(transformed)),),
    )


def _small_outputs(lake: Lake, transformed: pa.Table) -> SmallOutputs:
    sound = transformed.filter(pc.is_valid(transformed["image_id"])).sort_by("entry_id")
    known = set(lake.dataset(IMAGES).to_table(columns=["image_id"])["image_id"].to_pylist())
    fresh = []
    for place, image_id in enumerate(sound["image_id"].to_pylist()):
        if image_id not in known:
            fresh.append(place)
            known.add(image_id)
    provenance = pa.table({name: pc.struct_field(sound["provenance"], name) for name in PROVENANCE.columns})
    return SmallOutputs(
        rows=sound.take(pa.array(fresh, pa.int64())).select(IMAGES.columns),
        sides=((PROVENANCE, provenance),),
    )


STAGE = StageDefinition(
    table=IMAGES,
    reads=(CRAWL,),
    help=HELP["ingest"],
    build=_build,
    settings=IngestSettings,
    keys=("entry_id", "ingest_shard"),
    writing=Append(done=PROVENANCE),
    side_tables=(CRAWL, PROVENANCE),
)
