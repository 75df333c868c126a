"""LLaVA JSON or JSON lines: `id, image, conversations[{from, value}]`; every turn is an item."""

from itertools import pairwise

from vlm.evaluation.formats.layout import ItemFormat, said_item
from vlm.evaluation.formats.rows import BadRow, Row
from vlm.evaluation.items import Item

_HUMAN, _MODEL = ("human", "user"), ("gpt", "assistant")


def _items(row: Row) -> list[Item]:
    turns = row.list("conversations")
    name = row.name("id")
    pairs = [
        (str(asked["value"]), str(said["value"]))
        for asked, said in pairwise(turns)
        if asked.get("from") in _HUMAN and said.get("from") in _MODEL
    ]
    if not pairs:
        raise BadRow("has no turn of a human that a model answers")
    return [
        said_item(
            row,
            item_id=name if len(pairs) == 1 else f"{name}#{turn}",
            source="llava",
            type_id=str(row.get("type_id") or row.get("task") or "all"),
            question=asked.replace("<image>", "").strip(),
            answer=said.strip(),
            pictures=row.pictures("image"),
        )
        for turn, (asked, said) in enumerate(pairs)
    ]


FORMAT = ItemFormat(_items)
