"""Removes the rows of images from every table; each step can be repeated, so that a killed takedown is run again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.engine.checkpoints import unfinished_checkpoints
from jobs.engine.lake import Lake
from jobs.engine.recovery import recover
from jobs.engine.registry import stage_definitions
from jobs.engine.stage import Stage
from jobs.takedown.aggregates import recompute
from jobs.takedown.criteria import Asked
from jobs.takedown.tables import IMAGES_OF_ROW, LEDGERS, actions_of, aggregates, configuration_of, keys_of_table
from jobs.takedown.targets import Targets, addresses_of
from schemas.images import CRAWL
from schemas.operations import QUARANTINE
from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION, Table
from schemas.takedowns import TAKEDOWNS
from udfs.crawl.taken_down import ENTRY, IMAGE, REDACTED_ROW, REFUSED, URL, image_key

_CHANGE_FEED = "delta.enableChangeDataFeed"
# A longer list would cost Spark's plan more than the files that it skips.
_MAX_LISTED_SHARDS = 1_000
_OF_IMAGES = {"image_id": "string", "phash": "string", "ingest_shard": "bigint"}


def settle(lake: Lake) -> None:
    """Leave no micro-batch half-done, and no stream behind: it would go on from files that are written anew.

    Where a checkpoint is removed, the stage looks at every key once more, and works on those that nothing is known of.
    """
    for definition in stage_definitions().values():
        if not lake.exists(definition.table):
            continue
        for folder in unfinished_checkpoints(lake, definition.name, definition.reads[0]):
            lake.remove(folder)
        # Only its name and its tables are asked for.
        stage = Stage(definition, "", "", read=lambda lake, keys, shards: keys, transform=lambda df: df)
        recover(lake, stage, streaming=False)


def record(lake: Lake, asked: Asked, targets: Targets) -> None:
    """Note what is refused from now on: what the command named, and the images that were found with their addresses."""
    lake.ensure(TAKEDOWNS)
    named = lake.session.createDataFrame(
        [(key.partition(":")[0], key, True) for key in asked.keys], "kind string, key string, asked boolean"
    )
    # An image may be named that the lake does not have.
    held = targets.images.where(F.col("ingest_shard").isNotNull())
    image = F.concat(F.lit(image_key("")), "image_id").alias("key")
    found = held.select(F.lit(IMAGE).alias("kind"), image, F.lit(False).alias("asked"), *_OF_IMAGES)
    urls = addresses_of(held).select(F.lit(URL).alias("kind"), "key", F.lit(False).alias("asked")).distinct()
    entry = F.concat(F.lit(f"{ENTRY}:"), "entry_id").alias("key")
    entries = targets.entries.select(F.lit(ENTRY).alias("kind"), entry, F.lit(False).alias("asked"), "ingest_shard")
    every = named.unionByName(urls)
    for some in (found, entries):
        every = every.unionByName(some, allowMissingColumns=True)
    # An image that was named and found is one row, with its hash.
    merged = every.groupBy("kind", "key").agg(
        F.max("asked").alias("asked"), *(F.first(name, ignorenulls=True).alias(name) for name in _OF_IMAGES)
    )
    known = lake.read(TAKEDOWNS).where(F.col("takedown_id") == asked.takedown_id).select("key")
    fixed = {"takedown_id": asked.takedown_id, "written_at": datetime.now(UTC), "engine_version": ENGINE_VERSION}
    fresh = merged.join(known, "key", "left_anti").withColumns({name: F.lit(one) for name, one in fixed.items()})
    fresh = fresh.select(*TAKEDOWNS.columns).localCheckpoint()
    if not fresh.isEmpty():
        fresh.write.format("delta").mode("append").save(lake.location(TAKEDOWNS))


def carry_changes(lake: Lake, tables: Mapping[str, Table]) -> None:
    """Turn on the change data feed of tables that an earlier version made without it."""
    for name, table in tables.items():
        if name not in LEDGERS and configuration_of(lake, table).get(_CHANGE_FEED) != "true":
            place = f"delta.`{lake.location(table)}`"
            lake.session.sql(f"ALTER TABLE {place} SET TBLPROPERTIES ('{_CHANGE_FEED}' = 'true')")


def remove(lake: Lake, tables: Mapping[str, Table], targets: Targets, image_shards: list[int]) -> None:
    """Remove the rows of the images and entries from the tables; `image_shards` are those to count anew.

    What tells of an entry in `quarantine` goes first, then what `crawl` says of it, then what leads to it, so that a
    takedown that is run again finds what is left.
    """
    actions, inside = actions_of(lake, tables), _inside(targets)
    if QUARANTINE.name in tables:
        _refuse(lake, targets, inside)
    if CRAWL.name in tables:
        _redact(lake, targets.entries, inside)
    for name, table in tables.items():
        if actions[name] == "removed":
            _remove(lake, table, targets, inside)
    for name, definition in aggregates().items():
        if actions.get(name) == "recomputed" and name == definition.table.name:
            recompute(lake, definition, image_shards)


def rows_of(lake: Lake, table: Table, targets: Targets) -> dict[str, DataFrame]:
    """Return the rows of a table that belong to the images or entries, by the column that says so."""
    named = {"image_id": targets.images, "entry_id": targets.entries}
    found = {}
    for column in keys_of_table(lake, table):
        if column == IMAGES_OF_ROW:
            gone = F.broadcast(targets.images.agg(F.collect_set("image_id").alias("gone_ids")))
            touched = lake.read(table).crossJoin(gone).where(F.arrays_overlap(column, "gone_ids"))
            found[column] = touched.drop("gone_ids")
            continue
        ids = F.broadcast(named[column].select(column))
        rows = lake.read(table).join(ids, column, "left_semi")
        found[column] = rows.where(F.col("reason") != str(Reason.TAKEN_DOWN)) if table.name == QUARANTINE.name else rows
    return found


def _remove(lake: Lake, table: Table, targets: Targets, inside: str) -> None:
    for column, rows in rows_of(lake, table, targets).items():
        if rows.isEmpty():
            continue
        ids = rows.select(column).distinct().localCheckpoint()
        kept = f" AND old.reason != '{Reason.TAKEN_DOWN}'" if table.name == QUARANTINE.name else ""
        target = DeltaTable.forPath(lake.session, lake.location(table)).alias("old")
        # The ids are joined, not listed: what the log says of a commit stays for good.
        # Of a table that no stage here knows, the shards may be others.
        # A row about several images has the shard of one of them.
        within = inside if "ingest_shard" in table.columns and column != IMAGES_OF_ROW else ""
        matching = target.merge(ids.alias("gone"), f"old.{column} = gone.{column}{within}{kept}")
        matching.whenMatchedDelete().execute()


def _refuse(lake: Lake, targets: Targets, inside: str) -> None:
    """Leave of each entry one row in `quarantine`, without its address."""
    _remove(lake, QUARANTINE, targets, inside)
    ingest = CRAWL.stage or ""
    told = lake.read(QUARANTINE).where((F.col("stage") == ingest) & (F.col("reason") == str(Reason.TAKEN_DOWN)))
    left = targets.entries.join(told.select("entry_id"), "entry_id", "left_anti").localCheckpoint()
    if left.isEmpty():
        return
    values: dict[str, Any] = dict.fromkeys(QUARANTINE.columns)
    values |= {"stage": ingest, "recipe": ingest, "outcome": str(Outcome.REFUSED), "reason": str(Reason.TAKEN_DOWN)}
    values |= {"error": REFUSED, "attempt": 1, "engine_version": ENGINE_VERSION}
    fields = {field.name: field.dataType for field in QUARANTINE.schema.fields}
    rows = left.select(
        *(
            F.col(name) if name in left.columns else F.lit(value).cast(fields[name]).alias(name)
            for name, value in values.items()
        )
    )
    rows.write.format("delta").mode("append").save(lake.location(QUARANTINE))


def _redact(lake: Lake, entries: DataFrame, inside: str) -> None:
    """Leave of each entry its id, by which a listing knows it again."""
    crawl = lake.read(CRAWL).where(~F.col("row_json").eqNullSafe(REDACTED_ROW)).select("entry_id")
    left = crawl.join(F.broadcast(entries.select("entry_id")), "entry_id", "left_semi").localCheckpoint()
    if left.isEmpty():
        return
    target = DeltaTable.forPath(lake.session, lake.location(CRAWL)).alias("old")
    nothing = F.lit(None).cast("string")
    target.merge(left.alias("gone"), f"old.entry_id = gone.entry_id{inside}").whenMatchedUpdate(
        set={
            "crawl_uri": F.expr("CASE WHEN old.crawl_uri = old.uri THEN '' ELSE old.crawl_uri END"),
            "uri": nothing,
            "member": nothing,
            "row_json": F.lit(REDACTED_ROW),
        }
    ).execute()


def _inside(targets: Targets) -> str:
    """Return the condition on the target's ingest shards that lets Delta skip files; empty where they are not known."""
    places = targets.images.select("ingest_shard").union(targets.entries.select("ingest_shard")).distinct()
    shards = [row[0] for row in places.limit(_MAX_LISTED_SHARDS + 1).collect()]
    if not shards or None in shards or len(shards) > _MAX_LISTED_SHARDS:
        return ""
    return f" AND old.ingest_shard IN ({', '.join(map(str, sorted(shards)))})"
