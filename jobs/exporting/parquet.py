"""Parquet files of an export: with images that the library `datasets` decodes, each stored once per row group."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
# Rows that repeat an image refer to one copy of it, as long as the copies of a row group fit into this.
_DICTIONARY_BYTES = 2**28
# What the images of a row group may take in memory, where each row has its own copy.
_GROUP_BYTES = 2**26


def with_features(schema: pa.Schema, features: Mapping[str, Any]) -> pa.Schema:
    """Return a schema that tells `datasets` how to decode some columns."""
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": dict(features)}})})


def image_of(data: bytes | None, image_id: str) -> dict[str, Any]:
    """Return the value of an image column."""
    return {"bytes": data, "path": f"{image_id}.jpg"}


def row_groups(sizes: Sequence[int]) -> Iterator[slice]:
    """Yield slices of rows whose images, of `sizes` bytes, fit into a row group."""
    start, held = 0, 0
    for place, size in enumerate(sizes):
        if place > start and held + size > _GROUP_BYTES:
            yield slice(start, place)
            start, held = place, 0
        held += size
    if start < len(sizes):
        yield slice(start, len(sizes))


def write_parquet(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write tables, a row group each, byte for byte the same for the same tables."""
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=True, dictionary_pagesize_limit=_DICTIONARY_BYTES
    ) as writer:
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=max(table.num_rows, 1))
