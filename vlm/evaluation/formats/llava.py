"""LLaVA JSON or JSON lines: `id, image, conversations[{from, value}]`; every turn is an item."""

from itertools import pairwise

from vlm.evaluation.formats.layout import ItemFormat, turn_items
from vlm.evaluation.formats.rows import BadRow, Row
from vlm.evaluation.items import Item

_HUMAN, _MODEL = ("human", "user"), ("gpt", "assistant")


def _items(row: Row) -> list[Item]:
    turns = row.list("conversations")
    pairs = [
        (str(asked["value"]).replace("<image>", "").strip(), str(said["value"]).strip())
        for asked, said in pairwise(turns)
        if asked.get("from") in _HUMAN and said.get("from") in _MODEL
    ]
    if not pairs:
        raise BadRow("has no turn of a human that a model answers")
    type_id = str(row.get("type_id") or row.get("task") or row.get("type") or "all")
    return turn_items(row, pairs, source="llava", type_id=type_id, pictures=row.pictures("image"))


FORMAT = ItemFormat(_items)
