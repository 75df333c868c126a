"""Our own items in Parquet, every field of them, as `writers.native` writes them."""

import json

from vlm.evaluation.formats.layout import ItemFormat
from vlm.evaluation.formats.rows import Row
from vlm.evaluation.items import Item, Kind, Truth


def _items(row: Row) -> list[Item]:
    truth = json.loads(row.text("truth"))
    masks = row.pictures("mask")
    known = {
        **truth,
        "texts": tuple(truth["texts"]),
        "polygon": tuple((x, y) for x, y in truth["polygon"]),
        "box": tuple(truth["box"]) if truth["box"] else None,
    }
    size = row.list("size_px")
    return [
        Item(
            item_id=row.text("item_id"),
            number=row.number,
            source=row.text("source"),
            kind=Kind(row.text("kind")),
            type_id=row.text("type_id"),
            question=row.text("question"),
            answer=row.text("answer"),
            truth=Truth(mask=masks[0] if masks else None, **known),
            pictures=row.pictures("images"),
            options=tuple(row.list("options")),
            sides=tuple(row.list("sides")),
            kinds=tuple(row.list("kinds")),
            size_px=(int(size[0]), int(size[1])) if size else None,
            **{name: row.get(name) for name in _PLAIN},
        )
    ]


_PLAIN = ("asked_unit", "distance_m", "circular_group", "flip_group", "part", "photograph")
FORMAT = ItemFormat(_items)
