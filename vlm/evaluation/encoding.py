"""The images of items as encoded bytes, and Parquet files that hold them."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

from vlm.evaluation.items import Item, Rejected

IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
_ROWS_PER_GROUP = 64
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}


@dataclass(frozen=True)
class Encoded:
    """An encoded image, and the file suffix of its format."""

    data: bytes
    suffix: str

    @property
    def name(self) -> str:
        """Return a file name derived from the bytes."""
        return f"{hashlib.sha256(self.data).hexdigest()[:16]}.{self.suffix}"


def encoded(items: Iterable[Item], rejected: list[Rejected]) -> Iterator[tuple[Item, list[Encoded]]]:
    """Yield items with their encoded images; items whose images cannot be read go to `rejected`."""
    for item in items:
        try:
            yield item, [_of_bytes(image.read()) for image in item.images]
        except (OSError, ValueError, UnidentifiedImageError) as error:
            rejected.append(Rejected(item.number, f"Item {item.item_id} has an image that cannot be read: {error}."))


def _of_bytes(data: bytes) -> Encoded:
    with Image.open(io.BytesIO(data)) as opened:
        kind = opened.format or ""
    if kind not in _SUFFIXES:
        raise ValueError(f"its format is {kind or 'unknown'}, not {', '.join(_SUFFIXES)}")
    return Encoded(data, _SUFFIXES[kind])


def write_rows(rows: Iterable[dict[str, Any]], schema: pa.Schema, path: Path) -> None:
    """Write rows to one Parquet file, 64 per row group, so that few images are in memory at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema) as writer:
        left = iter(rows)
        while some := list(islice(left, _ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(some, schema))
