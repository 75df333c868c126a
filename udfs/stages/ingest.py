"""Ingest: turns listed entries into validated images and sidecars, with a reason for everything left out."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from schemas.images import PROVENANCE
from schemas.manifest import ManifestRow
from schemas.reasons import Outcome, Reason
from schemas.table import ENGINE_VERSION
from udfs.crawl.annotations import annotations, depth_units, episode_json, fixed_text, texts
from udfs.crawl.consistency import consistent
from udfs.crawl.depth_values import MM_PER_M
from udfs.crawl.fetch import Fetched, fetched, location_of
from udfs.crawl.image_file import image_columns, image_id_of, png_header
from udfs.crawl.limits import IngestSettings
from udfs.crawl.maps import valid_depth, valid_instances
from udfs.crawl.part_rejects import PartRejects
from udfs.crawl.sidecars import Sidecars, upright_sidecars
from udfs.crawl.taken_down import RefusedKeys, keys_of, require_not_taken_down
from udfs.pixels.orientation import ORIENTATIONS, Size
from udfs.stages.rows import Row, RowRejected, rejected_by
from udfs.stages.time_limit import OverTime, within

__all__ = ["IngestSettings", "ingest_batches", "ingest_row", "record_batch"]

# Far above what the largest allowed image takes.
_IMAGE_LIMIT_S = 120.0
_BATCH_BYTES = 32 * 2**20
_BATCH_ROWS = 64
_BLOBS = ("bytes", "depth", "instances")
NOTHING = RefusedKeys()


def ingest_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, limits: IngestSettings, refused: RefusedKeys = NOTHING
) -> Iterator[pa.RecordBatch]:
    """Fetch and validate the `crawl` rows of all batches; those that were taken down are `refused`.

    The output has `schema`: the columns of `images` (NULL if the image is rejected), `entry_id`, `uri`, `provenance`
    and `rejects`. Output batches hold at most about 32 MiB of blobs.
    """
    for batch in batches:
        rows: list[Row] = []
        size = 0
        for one in fetched(batch.to_pylist(), limits):
            row = ingest_row(one, limits, refused)
            rows.append(row)
            size += sum(len(row[name]) for name in _BLOBS if row.get(name))
            if size >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
                yield record_batch(rows, schema)
                rows, size = [], 0
        if rows:
            yield record_batch(rows, schema)


def ingest_row(one: Fetched, limits: IngestSettings, refused: RefusedKeys = NOTHING) -> Row:
    """Return the output row of one fetched entry.

    An invalid image yields rejects only; an invalid sidecar yields a reject and the image without that sidecar.
    """
    keys = {
        "entry_id": one.entry["entry_id"],
        "uri": location_of(one.entry),
        "ingest_shard": one.entry["ingest_shard"],
        "engine_version": ENGINE_VERSION,
    }
    try:
        if one.rejected or one.row is None:
            raise one.rejected or ValueError("the entry was not fetched")
        _require_not_taken_down(one, one.row, keys, refused)
        with within(_IMAGE_LIMIT_S):
            return _ingested(one, one.row, keys, limits)
    except OverTime:
        error = f"The image and its maps took over {_IMAGE_LIMIT_S:g} s to decode; save them again or remove them."
        return {**keys, "rejects": [RowRejected(Outcome.FAILED, Reason.TIMED_OUT, error).as_row()]}
    except Exception as error:  # a bad image must not fail its neighbors
        rejected = rejected_by(error)
        # Of what was taken down, not even the address is kept.
        known = {**keys, "uri": None} if rejected.reason == Reason.TAKEN_DOWN else keys
        return {**known, "rejects": [rejected.as_row()]}


def _require_not_taken_down(one: Fetched, row: ManifestRow, keys: Row, refused: RefusedKeys) -> None:
    if refused:
        names = keys_of(image_id_of(one.image), keys["uri"], row.image_url, row.page_url, row.licence)
        require_not_taken_down(names, refused)


def _ingested(one: Fetched, row: ManifestRow, keys: Row, limits: IngestSettings) -> Row:
    rejects = PartRejects()
    image = image_columns(one.image, limits)
    words = texts(row, limits, rejects)
    return {
        **keys,
        **image,
        **_sidecars(one, row, image, limits, rejects).columns(),
        "licence": words["licence"],
        "alt_text": fixed_text(words["alt_text"]),
        "sequence_id": words["sequence_id"],
        "frame_index": row.frame_index,
        "episode_json": episode_json(row, words["instruction"], rejects),
        "provenance": {name: {**words, **keys, **image}.get(name) for name in PROVENANCE.columns},
        "rejects": rejects.rows(),
    }


def _sidecars(one: Fetched, row: ManifestRow, image: Row, limits: IngestSettings, rejects: PartRejects) -> Sidecars:
    """Return the sidecars of the upright image: each part checked alone as stored, all turned, then held together."""
    size = image["width"], image["height"]
    orientation = ORIENTATIONS[image["exif_orientation"]]
    stored_size = orientation.size(size)
    units_per_m = depth_units(row, rejects)
    stored = _stored_sidecars(one, row, stored_size, limits, rejects)
    if units_per_m is None:
        stored = replace(stored, depth=None)
    return consistent(upright_sidecars(stored, orientation, stored_size), units_per_m or MM_PER_M, size, rejects)


def _stored_sidecars(
    one: Fetched, row: ManifestRow, size: Size, limits: IngestSettings, rejects: PartRejects
) -> Sidecars:
    parts = annotations(row, limits, rejects)
    depth = _read_map(one.depth, "depth", limits, rejects)
    labels = _read_map(one.instances, "instance", limits, rejects)
    instances, objects = None, parts["objects"]
    if labels is not None:
        instances, objects = valid_instances(labels, size, objects, rejects)
    depth = valid_depth(depth, size, rejects) if depth is not None else None
    return Sidecars(**{**parts, "depth": depth, "instances": instances, "objects": objects})


def _read_map(
    data: bytes | RowRejected | None, name: str, limits: IngestSettings, rejects: PartRejects
) -> bytes | None:
    if isinstance(data, RowRejected):
        rejects.items.append(data)
        return None
    header = png_header(data) if data else None
    if header and header.width * header.height > limits.max_map_pixels:
        # A map of a few hundred kilobytes can hold a hundred million pixels, each of which costs later stages 41 bytes.
        pixels = f"{header.width} x {header.height} = {header.width * header.height:,} px"
        rejects.refused(
            Reason.TOO_MANY_PIXELS,
            f"The {name} map has {pixels}, over the limit of {limits.max_map_pixels:,}; scale image and map down or"
            " raise ingest.max_map_pixels.",
        )
        return None
    return data


def record_batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Build a batch with `schema`; only rows with a value that does not fit its column are rejected."""
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
