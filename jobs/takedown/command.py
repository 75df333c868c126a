"""`spatiallake takedown`: finds what is to go, removes it, and certifies it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pyspark.sql import functions as F

from jobs.engine.accidents import accidents
from jobs.engine.delta_log import remove_residues
from jobs.engine.errors import LakeUnreadable
from jobs.engine.exports import noted_exports
from jobs.engine.lake import Lake
from jobs.engine.locks import writing
from jobs.engine.registry import stage_definitions
from jobs.takedown.certificate import Certificate, ExportRecord, TableRecord
from jobs.takedown.criteria import Asked
from jobs.takedown.removal import carry_changes, record, remove, rows_of, settle
from jobs.takedown.similar import near_duplicates
from jobs.takedown.tables import Held, actions_of, lake_tables, required_tables, state_of
from jobs.takedown.targets import Targets, recorded, targets_of, unfinished
from jobs.takedown.versions import leftovers, purge, strangers, told_by_logs
from schemas.images import CRAWL, IMAGES
from schemas.table import ENGINE_VERSION, Table
from schemas.takedowns import CERTIFICATES, TAKEDOWNS
from udfs.crawl.taken_down import ENTRY, IMAGE
from udfs.storage.locations import is_s3, normalized

_LOCK = "takedown"
_OUTSIDE = (
    "backups, copies and snapshots of the lake's folder or bucket",
    "models that were trained on the images, and their training runs",
    "temporary files of Spark (spark.local.dir) that a killed command left behind",
)

Say = Callable[[str], None]


def preview_takedown(lake: Lake, asked: Asked) -> dict[str, int]:
    """Return how many rows of each table belong to what is asked for; nothing is written.

    Raises:
        LakeUnreadable: there is no lake.
    """
    tables = required_tables(lake)
    targets = targets_of(lake, asked)
    counts = {"images": targets.images.where(F.col("ingest_shard").isNotNull()).count()}
    for name, action in actions_of(lake, tables).items():
        if action in ("removed", "redacted") and name != IMAGES.name:
            # A table with both keys has them in the same rows.
            counts[name] = max(rows.count() for rows in rows_of(lake, tables[name], targets).values())
    return counts


def take_down(
    lake: Lake, asked: Asked, vacuum: bool, say: Say = lambda sentence: None, store_locks: bool = True
) -> Certificate:
    """Remove what is asked for from every table, and refuse it from then on; return the certificate.

    A takedown that was killed is completed by running it again. With `vacuum`, old versions of the tables are deleted.
    Without `store_locks`, no lease is held on an object store.

    Raises:
        LakeUnreadable: there is no lake.
        LakeBusy: another command is writing to the lake.
    """
    with accidents(), writing(lake.uri, (_LOCK, *stage_definitions()), store_locks):
        required_tables(lake)
        remove_residues(lake.uri)
        settle(lake)
        for table in (CERTIFICATES, TAKEDOWNS):
            lake.ensure(table)
        tables = lake_tables(lake)
        begun = _begun(lake, asked, state_of(lake, tables))
        targets = targets_of(lake, asked)
        crawls = _crawls(lake, targets)
        record(lake, asked, targets)
        carry_changes(lake, tables)
        remove(lake, tables, targets, _shards(lake, asked))
        deleted_files = purge(lake, tables) if vacuum else None
        if vacuum:
            _require_nothing_left(lake, tables)
        certificate = _certificate(lake, asked, begun, deleted_files, crawls)
        _note(lake, asked, begun, certificate)
    if not vacuum:
        say(
            "Old versions of the tables still hold the images, and so does the change data feed; run the same command"
            " with --vacuum to delete them, once readers downstream have seen the change."
        )
    return certificate


@dataclass(frozen=True)
class _Begun:
    """When a takedown began, UTC, and what the tables held then."""

    started_at: str
    tables: Mapping[str, Held]


def _begun(lake: Lake, asked: Asked, now: Mapping[str, Held]) -> _Begun:
    """Return the beginning of the takedown; one that was killed goes on with what it noted."""
    begun = _Begun(_now(), now)
    if asked.takedown_id not in unfinished(lake):
        _note(lake, asked, begun, None)
        return begun
    rows = lake.read(CERTIFICATES).where(f"takedown_id = '{asked.takedown_id}' AND state = 'begun'")
    last = rows.orderBy(F.desc("written_at")).select("begun_json").collect()[0]
    noted = json.loads(last["begun_json"])
    return _Begun(noted["started_at"], {**now, **{name: Held(**held) for name, held in noted["tables"].items()}})


def _note(lake: Lake, asked: Asked, begun: _Begun, certificate: Certificate | None) -> None:
    row = {
        "takedown_id": asked.takedown_id,
        "state": "done" if certificate else "begun",
        "criteria": list(asked.keys),
        "begun_json": json.dumps(asdict(begun)),
        "certificate_json": certificate.model_dump_json() if certificate else None,
        "written_at": datetime.now(UTC),
        "engine_version": ENGINE_VERSION,
    }
    lake.append_records(CERTIFICATES, [row], f"spatiallake:takedown:{uuid4()}", 0)


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def _shards(lake: Lake, asked: Asked) -> list[int]:
    """Return the ingest shards of the images of this takedown and of those that were not finished."""
    rows = recorded(lake, asked).where((F.col("kind") == IMAGE) & F.col("ingest_shard").isNotNull())
    return sorted(row[0] for row in rows.select("ingest_shard").distinct().collect())


def _crawls(lake: Lake, targets: Targets) -> tuple[str, ...]:
    if not lake.exists(CRAWL):
        return ()
    rows = lake.read(CRAWL).join(F.broadcast(targets.entries.select("entry_id")), "entry_id", "left_semi")
    return tuple(sorted(row[0] for row in rows.select("crawl_uri").distinct().collect() if row[0]))


def _require_nothing_left(lake: Lake, tables: Mapping[str, Table]) -> None:
    left = leftovers(lake, tables)
    if left:
        name, files = next(iter(left.items()))
        raise LakeUnreadable(
            f"Files of table {name} that no version names are still there, such as {files[0]}; delete them, and run the"
            " same command again."
        )


def _certificate(
    lake: Lake, asked: Asked, begun: _Begun, deleted_files: Mapping[str, int] | None, crawls: tuple[str, ...]
) -> Certificate:
    own = lake.read(TAKEDOWNS).where(F.col("takedown_id") == asked.takedown_id)
    held = own.where((F.col("kind") == IMAGE) & F.col("ingest_shard").isNotNull())
    gone = {row["image_id"]: row["phash"] for row in held.select("image_id", "phash").collect()}
    tables = lake_tables(lake)
    records = _records(lake, tables, begun, deleted_files or {})
    return Certificate(
        takedown_id=asked.takedown_id,
        lake=lake.uri,
        criteria=asked.keys,
        engine_version=ENGINE_VERSION,
        started_at=begun.started_at,
        finished_at=_now(),
        image_ids=tuple(sorted(gone)),
        entries=own.where(F.col("kind") == ENTRY).count(),
        old_versions="kept" if deleted_files is None else "removed",
        tables=records,
        near_duplicates=tuple(near_duplicates(lake, gone)),
        exports=_exports(lake, set(gone)),
        crawls=crawls,
        not_reached=_not_reached(lake, tables, records, vacuumed=deleted_files is not None),
    )


def _records(
    lake: Lake, tables: Mapping[str, Table], begun: _Begun, deleted_files: Mapping[str, int]
) -> dict[str, TableRecord]:
    actions = actions_of(lake, tables)
    found = {}
    for name, now in state_of(lake, tables).items():
        before = begun.tables.get(name, now)
        found[name] = TableRecord(
            action=actions[name],
            version_before=before.version,
            version_after=now.version,
            rows_before=before.rows,
            rows_after=now.rows,
            deleted_files=deleted_files.get(name),
        )
    return found


def _exports(lake: Lake, gone: set[str]) -> tuple[ExportRecord, ...]:
    """Return the exports that hold one of the images, or may."""
    found = []
    for one in noted_exports(lake.uri):
        images = None if one.image_ids is None else len(gone.intersection(one.image_ids))
        if gone and images != 0:
            found.append(ExportRecord(kind=one.kind, path=one.path, made_at=one.made_at, images=images))
    return tuple(found)


def _not_reached(
    lake: Lake, tables: Mapping[str, Table], records: Mapping[str, TableRecord], vacuumed: bool
) -> tuple[str, ...]:
    found = [] if vacuumed else ["old versions of the tables and their change data feed, until --vacuum"]
    found += [f"table {name}, of whose rows none can be told to be an image's" for name in _unreached(records)]
    for name in strangers(lake, tables):
        found.append(f"{name} in the lake's folder, which is no table and may hold the images or their texts")
    for name, columns in told_by_logs(lake, tables).items():
        found.append(f"the log of table {name}, which keeps the least and greatest {' and '.join(columns)}")
    if is_s3(normalized(lake.uri)):
        found.append("former versions of objects, where the bucket keeps versions")
    return (*found, *_OUTSIDE)


def _unreached(records: Mapping[str, TableRecord]) -> list[str]:
    return [name for name, one in records.items() if one.action == "unreached"]
