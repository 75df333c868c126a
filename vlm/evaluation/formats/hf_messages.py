"""Hugging Face messages in Parquet: `images`, `messages[{role, content}]`, as TRL and `datasets` use them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from vlm.evaluation.encoding import IMAGES, encoded, write_rows
from vlm.evaluation.item_builders import turn_items
from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import BadRow, Row
from vlm.examples import turns_of

_PART = pa.struct([("type", pa.string()), ("text", pa.string())])
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("images", IMAGES),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(_PART))]))),
        ("type_id", pa.string()),
    ]
)


def _items(row: Row) -> list[Item]:
    turns = turns_of((one["role"], one["content"]) for one in row.list("messages") if one["role"] != "system")
    if not turns:
        raise BadRow("has no user message that an assistant answers")
    type_id = str(row.get("type_id") or "all")
    return turn_items(row, turns, source="hf_messages", type_id=type_id, images=row.images("images"))


def _write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.parquet)."""
    rejected: list[Rejected] = []
    write_rows(_rows(items, rejected), _SCHEMA, path)
    return rejected


def _rows(items: Iterable[Item], rejected: list[Rejected]) -> Iterator[dict[str, Any]]:
    for item, images in encoded(items, rejected):
        question = [{"type": "image", "text": None} for _ in images] + [{"type": "text", "text": item.prompt}]
        yield {
            "id": item.item_id,
            "images": [{"bytes": image.data, "path": image.name} for image in images],
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": [{"type": "text", "text": item.answer}]},
            ],
            "type_id": item.type_id,
        }


FORMAT = Format(
    name="hf_messages",
    title="Hugging Face messages in Parquet; one item per turn",
    items=ItemReader(_items),
    write=_write,
)
