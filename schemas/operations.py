"""`quarantine`, `stage_runs`, `recipes`: what was left out, what ran, and with which settings."""

from pyspark.sql.types import DoubleType, IntegerType, LongType, MapType, StringType, StructType, TimestampType

from schemas.table import Table, column

REJECT = StructType(
    [
        column("outcome", StringType(), "failed, filtered or refused"),
        column("reason", StringType(), "reason code"),
        column("error", StringType(), "one sentence with the value and the remedy"),
    ]
)

QUARANTINE = Table(
    name="quarantine",
    comment="Every image or part of one that was left out, with the stage and the reason.",
    key=("stage", "recipe", "entry_id", "image_id", "reason", "attempt"),
    schema=StructType(
        [
            column("stage", StringType(), "stage that left it out", False),
            column("entry_id", StringType(), "row of `crawl`, for ingest"),
            column("image_id", StringType(), "image, where it got that far"),
            column("uri", StringType(), "where the bytes were read, for ingest"),
            column("outcome", StringType(), "failed, filtered or refused", False),
            column("reason", StringType(), "reason code, or the name of a rule", False),
            column("error", StringType(), "one sentence with the value and the remedy", False),
            column("attempt", IntegerType(), "1 at first, more after `spatiallake retry`", False),
            column("retry_command", StringType(), "command that tries it again"),
            column("rows_json", StringType(), "rows that a rule with action quarantine left out, as a JSON list"),
            column("recipe", StringType(), "recipe of the stage", False),
            column("ingest_shard", LongType(), "ingest shard", False),
            column("engine_version", StringType(), "version of spatiallake that wrote the row", False),
        ]
    ),
)

STAGE_RUNS = Table(
    name="stage_runs",
    comment="One row per micro-batch of a stage: yield, reasons and time.",
    key=("stage", "recipe", "generation", "batch_id"),
    cluster_by=("stage",),
    schema=StructType(
        [
            column("stage", StringType(), "stage", False),
            column("recipe", StringType(), "recipe of the stage", False),
            column("generation", StringType(), "checkpoint generation", False),
            column("batch_id", LongType(), "micro-batch", False),
            column("rows_in", LongType(), "rows read", False),
            column("rows_out", LongType(), "rows written to the stage's table", False),
            column("failed", LongType(), "rows with a reject: failed; a row counts once", False),
            column("filtered", LongType(), "rows with a reject: filtered; a row counts once", False),
            column("refused", LongType(), "rows with a reject: refused; a row counts once", False),
            column(
                "reasons",
                MapType(StringType(), LongType()),
                "rows by outcome:reason, and by warned:rule those kept",
                False,
            ),
            column("seconds", DoubleType(), "wall time of the micro-batch, s", False),
            column("finished_at", TimestampType(), "end of the micro-batch", False),
            column("engine_version", StringType(), "version of spatiallake that wrote the row", False),
            column("cores", IntegerType(), "cores that worked on the micro-batch"),
            column("device", StringType(), "where the stage's learned expert was loaded, such as cuda:0; null: none"),
        ]
    ),
)

LISTINGS = Table(
    name="listings",
    comment="Every tar, parquet file and part of a manifest that was listed: it is listed again when it changes.",
    key=("crawl_uri", "piece", "version", "listed_at"),
    cluster_by=("crawl_uri",),
    schema=StructType(
        [
            column("crawl_uri", StringType(), "what the user named", False),
            column("piece", StringType(), "kind, file, and where in it, as JSON", False),
            column("version", StringType(), "changes when the file does", False),
            column("entries", LongType(), "rows of `crawl` of this crawl after the listing", False),
            column("listed_at", TimestampType(), "when it was listed", False),
            column("engine_version", StringType(), "version of spatiallake that wrote the row", False),
        ]
    ),
)

RECIPES = Table(
    name="recipes",
    comment="What each recipe hash stands for; a stage's current recipe is the one activated last.",
    key=("stage", "recipe", "registered_at", "activated_at"),
    cluster_by=("stage",),
    schema=StructType(
        [
            column("stage", StringType(), "stage", False),
            column("recipe", StringType(), "hash", False),
            column("upstream_recipe", StringType(), "recipe that it reads"),
            column("settings_json", StringType(), "models, revisions and settings that change the result", False),
            column("configuration_json", StringType(), "everything needed to build the stage again"),
            column("registered_at", TimestampType(), "when a command first asked for it"),
            column("activated_at", TimestampType(), "when it became the current one; null: registered only"),
            column("engine_version", StringType(), "version of spatiallake that wrote the row", False),
        ]
    ),
)
