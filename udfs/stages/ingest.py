"""Ingest: turn listed entries into images with valid sidecars, and reasons for everything left out."""

from collections.abc import Iterator

import pyarrow as pa

from schemas.images import PROVENANCE
from schemas.table import ENGINE_VERSION
from udfs.crawl.annotations import annotations, episode_json, mended, texts
from udfs.crawl.fetch import Fetched, fetched, place_of
from udfs.crawl.findings import Findings
from udfs.crawl.limits import IngestSettings
from udfs.crawl.maps import sound_depth, sound_instances
from udfs.crawl.photograph import photograph
from udfs.stages.rows import Row, RowRejected, rejected_by

__all__ = ["IngestSettings", "ingest_batches", "ingest_row", "record_batch"]

_BATCH_BYTES = 32 * 2**20
_BATCH_ROWS = 64
_BLOBS = ("bytes", "depth", "instances")


def ingest_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, limits: IngestSettings
) -> Iterator[pa.RecordBatch]:
    """Fetch and check every `crawl` row of every batch.

    Output has `schema`: the columns of `images` (null where the image is rejected), `entry_id`, `uri`,
    `provenance` and `rejects`. Batches hold at most some 32 MiB of blobs, whatever the input batch.
    """
    for batch in batches:
        rows: list[Row] = []
        size = 0
        for one in fetched(batch.to_pylist(), limits):
            row = ingest_row(one, limits)
            rows.append(row)
            size += sum(len(row[name]) for name in _BLOBS if row.get(name))
            if size >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
                yield record_batch(rows, schema)
                rows, size = [], 0
        if rows:
            yield record_batch(rows, schema)


def ingest_row(one: Fetched, limits: IngestSettings) -> Row:
    """Return the output row of one fetched entry.

    An invalid image gives only rejects; an invalid sidecar gives a reject, and the image without it.
    """
    keys = {
        "entry_id": one.entry["entry_id"],
        "uri": place_of(one.entry),
        "ingest_shard": one.entry["ingest_shard"],
        "engine_version": ENGINE_VERSION,
    }
    try:
        if one.rejected or one.row is None:
            raise one.rejected or ValueError("the entry was not fetched")
        findings = Findings()
        image = photograph(one.image, limits)
        words = texts(one.row, limits, findings)
        return {
            **keys,
            **image,
            **_sidecars(one, (image["width"], image["height"]), limits, findings),
            "licence": words["licence"],
            "alt_text": mended(words["alt_text"]),
            "sequence_id": words["sequence_id"],
            "frame_index": one.row.frame_index,
            "episode_json": episode_json(one.row, words["instruction"], findings),
            "provenance": {name: {**words, **keys, **image}.get(name) for name in PROVENANCE.columns},
            "rejects": findings.rows(),
        }
    except Exception as error:  # one bad image is rejected alone
        return {**keys, "rejects": [rejected_by(error).as_row()]}


def _sidecars(one: Fetched, size: tuple[int, int], limits: IngestSettings, findings: Findings) -> Row:
    parts = annotations(one.row, limits, findings) if one.row else {}
    depth = _read_map(one.depth, findings)
    labels = _read_map(one.instances, findings)
    instances, objects = None, parts["objects"]
    if labels is not None:
        instances, objects = sound_instances(labels, size, objects, findings)
    depth = sound_depth(depth, size, findings) if depth is not None else None
    return {**parts, "depth": depth, "instances": instances, "objects": objects}


def _read_map(data: bytes | RowRejected | None, findings: Findings) -> bytes | None:
    if isinstance(data, RowRejected):
        findings.rejects.append(data)
        return None
    return data


def record_batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Return the rows in `schema`; a row with a value that its column cannot hold is rejected alone."""
    try:
        return pa.RecordBatch.from_pylist(rows, schema=schema)
    except (pa.ArrowException, ValueError, OverflowError, TypeError):
        return pa.RecordBatch.from_pylist([_storable(row, schema) for row in rows], schema=schema)


def _storable(row: Row, schema: pa.Schema) -> Row:
    try:
        pa.RecordBatch.from_pylist([row], schema=schema)
        return row
    except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
        keys = {name: row[name] for name in ("entry_id", "uri", "ingest_shard", "engine_version")}
        return {**keys, "rejects": [rejected_by(error).as_row()]}
