"""Hugging Face messages in Parquet: `images`, `messages`, as TRL and `datasets` read them, with `id` and `type_id`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.writers.parquet import IMAGES, write_rows
from vlm.evaluation.writers.prepared import prepared, prompt_of

_PART = pa.struct([("type", pa.string()), ("text", pa.string())])
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("images", IMAGES),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(_PART))]))),
        ("type_id", pa.string()),
    ]
)


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.parquet); return the items that were left out."""
    rejected: list[Rejected] = []
    write_rows(_rows(items, rejected), _SCHEMA, path)
    return rejected


def _rows(items: Iterable[Item], rejected: list[Rejected]) -> Iterator[dict[str, Any]]:
    for item, pictures in prepared(items, rejected):
        asked = [{"type": "image", "text": None} for _ in pictures] + [{"type": "text", "text": prompt_of(item)}]
        yield {
            "id": item.item_id,
            "images": [{"bytes": picture.data, "path": picture.name} for picture in pictures],
            "messages": [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": [{"type": "text", "text": item.answer}]},
            ],
            "type_id": item.type_id,
        }
