"""Hugging Face messages in Parquet: `images`, `messages[{role, content}]`, as its trainers take them."""

from itertools import pairwise
from typing import Any

from vlm.evaluation.formats.layout import ItemFormat, turn_items
from vlm.evaluation.formats.rows import BadRow, Row
from vlm.evaluation.items import Item


def _items(row: Row) -> list[Item]:
    turns = [(one["role"], _text(one["content"])) for one in row.list("messages") if one["role"] != "system"]
    pairs = [
        (asked, said) for (first, asked), (second, said) in pairwise(turns) if (first, second) == ("user", "assistant")
    ]
    if not pairs:
        raise BadRow("has no turn of a user that an assistant answers")
    type_id = str(row.get("type_id") or "all")
    return turn_items(row, pairs, source="hf_messages", type_id=type_id, pictures=row.pictures("images"))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.replace("<image>", "").strip()
    return " ".join(part["text"] for part in content if part.get("type") == "text" and part.get("text")).strip()


FORMAT = ItemFormat(_items)
