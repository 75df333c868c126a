"""Parquet files written in batches, so that the pictures of one batch at a time are in memory."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
_ROWS = 64


def write_rows(rows: Iterable[dict[str, Any]], schema: pa.Schema, path: Path) -> None:
    """Write rows to one file, a row group per 64."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema) as writer:
        left = iter(rows)
        while some := list(islice(left, _ROWS)):
            writer.write_table(pa.Table.from_pylist(some, schema))
