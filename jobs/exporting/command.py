"""`spatiallake export`: plans, writes what is not written yet, and describes the whole."""

import hashlib
import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engine.accidents import accidents
from jobs.engine.errors import UsageError
from jobs.engine.exports import note_export
from jobs.engine.frames import require_upright
from jobs.engine.registry import order_of_stages
from jobs.engine.small.pool import pool
from jobs.exporting.card import Totals, card_of
from jobs.exporting.destination import MANIFEST, Destination
from jobs.exporting.layouts import ExportFormat, Whole, export_format
from jobs.exporting.leakage import require_no_leak
from jobs.exporting.planning import Shard, shards_of
from jobs.exporting.reading import Source
from jobs.exporting.settings import ExportSettings
from jobs.exporting.writing import Work
from jobs.views.reader import LakeReader, stage_of_table
from schemas.version import ENGINE_VERSION
from udfs.storage.locations import absolute

# The note of a larger export does not list its images: it may hold any of the lake.
_MAX_NOTED_IMAGES = 1_000_000
# A process is worth its start when it works on some twenty images of a run, or on this many rows for each.
_ROWS_LIKE_AN_IMAGE = 400
_WRITING, _FINISHED = "writing", "finished"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """What an export holds, and how many of its shards were written before."""

    totals: Totals
    shards: int
    found: int


def export(
    lake_uri: str,
    out: str,
    settings: ExportSettings,
    session: SparkSession | None = None,
    say: Say = lambda sentence: None,
) -> Exported:
    """Export rows of the current recipe to a folder or `s3://` prefix, by processes here or the tasks of a session.

    One that was killed goes on where it was, unless the lake has changed since: then it begins anew.

    Raises:
        UsageError: options that do not fit, no row to export, or an `out` that holds something else.
        LakeUnreadable: a table does not exist yet.
        RuleBroken: an image, near-duplicate or sequence lies in two splits.
    """
    chosen = _fitting(settings)
    require_upright(lake_uri)
    source = _source(lake_uri, settings, chosen)
    destination = Destination(absolute(out))
    identity = {"settings": settings.model_dump(mode="json"), "recipes": dict(source.recipes)}
    identity |= {"tables": dict(source.versions), "engine_version": ENGINE_VERSION}
    begun = _begun(destination, lake_uri, identity, say)
    if begun == _FINISHED:
        return _known(destination)
    shards = shards_of(source.lake, settings, source.recipes[_stage(settings)])
    if not shards:
        raise UsageError(
            f"{lake_uri} has no row of {settings.table} to export ({_wanted(settings)}); {_there(source, settings)}"
        )
    require_no_leak(source.lake, settings, source.recipes[_stage(settings)], source.recipes.get("duplicates"))
    kind = f"export {settings.format}"
    # Before the first file, since an export that is killed holds images too.
    if not note_export(lake_uri, kind, destination.uri):
        say(f"The lake cannot be written, so a takedown will not name {destination.uri}.")
    _write_manifest(destination, lake_uri, identity, {"state": _WRITING})
    work = Work(source, settings, destination.uri)
    known = destination.records(len(shards))
    waiting = [shard for shard, record in zip(shards, known, strict=True) if record is None]
    if len(waiting) < len(shards):
        say(f"{len(shards) - len(waiting):,} of {len(shards):,} shards are there already.")
    with accidents("while it exported"):
        _write(work, waiting, session, say)
    totals = _finish(destination, lake_uri, work, chosen, shards, identity)
    note_export(lake_uri, kind, destination.uri, _noted_ids(destination, len(shards), totals))
    destination.remove_records()
    return Exported(totals, len(shards), len(shards) - len(waiting))


def _fitting(settings: ExportSettings) -> ExportFormat:
    chosen = export_format(settings.format)
    if settings.table not in chosen.tables:
        raise UsageError(f"Format {chosen.name} takes {' or '.join(chosen.tables)}, not {settings.table}.")
    if settings.images not in chosen.images:
        raise UsageError(f"Format {chosen.name} takes --images {' or '.join(chosen.images)}, not {settings.images}.")
    if settings.table == "training_examples" and settings.images == "urls":
        raise UsageError("The images of training_examples are copies without an address; leave out --images urls.")
    if settings.table == "training_examples" and (settings.types or settings.forms or settings.turns > 1):
        raise UsageError("A row of training_examples has turns of several types; leave out --type, --form and --turns.")
    if settings.turns > 1 and not chosen.conversations:
        raise UsageError(f"A row of format {chosen.name} is one question; leave out --turns.")
    return chosen


def _stage(settings: ExportSettings) -> str:
    return stage_of_table()[settings.table]


def _source(lake_uri: str, settings: ExportSettings, chosen: ExportFormat) -> Source:
    lake = LakeReader(lake_uri)
    lake.tables()
    names = [settings.table, "images"]
    names += ["provenance"] if settings.images == "urls" else []
    names += ["scenes", "references"] if chosen.needs_scenes else []
    # Lakes of earlier versions have no clusters.
    names += ["near_duplicates"] if lake.has("near_duplicates") else []
    versions = {name: lake.version(name) for name in names}
    return Source(lake_uri, versions, _recipes(lake, _stage(settings)))


def _recipes(lake: LakeReader, stage: str) -> dict[str, str]:
    """Return the current recipes of a stage and of those that it builds on, in order."""
    order = order_of_stages()
    chain = {stage, "duplicates"}
    while order[stage] != stage:
        stage = order[stage]
        chain.add(stage)
    current = lake.current_recipes()
    return {name: current[name] for name in order if name in chain and name in current}


def _begun(destination: Destination, lake_uri: str, identity: Mapping[str, Any], say: Say) -> str | None:
    """Return the state of an export of the same there, None where it begins.

    Raises:
        UsageError: something else is there.
    """
    manifest = destination.manifest()
    if manifest is None:
        if destination.holds_anything():
            raise UsageError(f"{destination.uri} is not empty and holds no export; name a new folder with --out.")
        return None
    if manifest.get("identity") == _digest(lake_uri, identity):
        if manifest["state"] == _FINISHED:
            _require_whole(destination, manifest)
        return manifest["state"]
    if manifest.get("state") != _WRITING or manifest.get("settings") != identity["settings"]:
        raise UsageError(
            f"{destination.uri} holds another export ({manifest.get('state')}, format"
            f" {manifest.get('settings', {}).get('format')}), of other options or of an older state of a lake; name a"
            " new folder with --out, or remove it."
        )
    say("The lake has changed since this export began; it begins anew.")
    destination.remove_others({MANIFEST})
    return None


def _require_whole(destination: Destination, manifest: Mapping[str, Any]) -> None:
    for shard in manifest["shards"]:
        for name, held in shard["files"].items():
            if destination.size(name) != held["bytes"]:
                raise UsageError(
                    f"{destination.uri}/{name} of this finished export is missing or was changed; remove the folder and"
                    " export again."
                )


def _write(work: Work, shards: list[Shard], session: SparkSession | None, say: Say) -> None:
    for record in _in_spark(session, work, shards) if session else _here(work, shards):
        say(f"{record['split']}: {record['rows']:,} rows about {record['images']:,} images.")


def _here(work: Work, shards: list[Shard]) -> Iterator[dict[str, Any]]:
    with pool() as processes:
        rows = sum(shard.rows for shard in shards) if len(shards) > 1 else 0
        yield from processes.each(work.write, shards, rows // _ROWS_LIKE_AN_IMAGE)


def _in_spark(session: SparkSession, work: Work, shards: list[Shard]) -> list[dict[str, Any]]:
    if not shards:
        return []
    tasks = pa.table({"shard": [pickle.dumps(shard) for shard in shards]})

    def written(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for shard in batch["shard"].to_pylist():
                record = work.write(pickle.loads(shard))
                told = {name: [record[name]] for name in ("split", "rows", "images")}
                yield pa.RecordBatch.from_pydict(told, pa.schema(_TOLD))

    spread = session.createDataFrame(tasks).repartition(len(shards))
    return [row.asDict() for row in spread.mapInArrow(written, "split string, rows long, images long").collect()]


_TOLD = [("split", pa.string()), ("rows", pa.int64()), ("images", pa.int64())]


def _finish(
    destination: Destination,
    lake_uri: str,
    work: Work,
    chosen: ExportFormat,
    shards: list[Shard],
    identity: Mapping[str, Any],
) -> Totals:
    """Write what describes all shards, and last the manifest that says that all is there."""

    def records() -> Iterator[dict[str, Any]]:
        for place, record in enumerate(destination.records(len(shards))):
            if record is None:
                raise UsageError(
                    f"The record of shard {place} in {destination.uri} is gone; run the same command again."
                )
            yield record

    totals = Totals.of(records())
    if not totals.rows.total():
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in totals.left_out.items())
        raise UsageError(f"The export has 0 rows, so nothing is to be used of {destination.uri}: {reasons} left out.")
    settings = work.settings
    splits = tuple(split for split in settings.splits if totals.rows[split])
    for name, text in chosen.whole(Whole(settings, destination.uri, records, splits)).items():
        destination.write_text(name, text)
    destination.write_text(
        "README.md", card_of(chosen, settings, totals, work.source.recipes, work.source.lake.recipe_book())
    )
    kept = ("split", "rows", "images", "files", "image_files", "left_out")
    held = {
        "rows": dict(totals.rows),
        "images": dict(totals.images),
        "counts": {name: dict(sorted(counter.items())) for name, counter in totals.counts.items()},
        "shown": totals.shown,
        "shards": [{name: record[name] for name in kept} for record in records()],
    }
    _write_manifest(destination, lake_uri, identity, {"state": _FINISHED, **held})
    return totals


def _noted_ids(destination: Destination, shards: int, totals: Totals) -> list[str] | None:
    if totals.images.total() > _MAX_NOTED_IMAGES:
        return None
    return [one for record in destination.records(shards) if record for one in record["image_ids"]]


def _write_manifest(
    destination: Destination, lake_uri: str, identity: Mapping[str, Any], held: Mapping[str, Any]
) -> None:
    manifest = {"identity": _digest(lake_uri, identity), **identity, **held}
    destination.write_text(MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def _known(destination: Destination) -> Exported:
    manifest = destination.manifest() or {}
    records = [{"counts": {}, "shown": [], **shard} for shard in manifest["shards"]]
    return Exported(Totals.of(records), len(records), len(records))


def _digest(lake_uri: str, identity: Mapping[str, Any]) -> str:
    text = json.dumps([absolute(lake_uri), identity], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _wanted(settings: ExportSettings) -> str:
    chosen = {"split": settings.splits, "type": settings.types, "form": settings.forms, "license": settings.licences}
    return "; ".join(f"{name} {', '.join(values)}" for name, values in chosen.items() if values)


def _there(source: Source, settings: ExportSettings) -> str:
    text = "SELECT split, count(*) AS n FROM t GROUP BY split ORDER BY split"
    counts = [f"{row['n']:,} of {row['split']}" for row in source.lake.query(settings.table, text)]
    return f"it has {', '.join(counts) or 'none at all'}."
