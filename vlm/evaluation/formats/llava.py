"""LLaVA JSON or JSON lines: `id, image, conversations[{from, value}]`, with a folder of images beside the file."""

import json
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.encoding import encoded
from vlm.evaluation.item_builders import turn_items
from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import BadRow, Row
from vlm.examples import turns_of


def _items(row: Row) -> list[Item]:
    turns = turns_of((turn.get("from"), str(turn["value"])) for turn in row.list("conversations"))
    if not turns:
        raise BadRow("has no turn of a human that a model answers")
    type_id = str(row.get("type_id") or row.get("task") or row.get("type") or "all")
    return turn_items(row, turns, source="llava", type_id=type_id, images=row.images("image"))


def _write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.jsonl) and the folder `<its stem>_images`."""
    rejected: list[Rejected] = []
    folder = path.with_name(f"{path.stem}_images")
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as lines:
        for item, images in encoded(items, rejected):
            for image in images:
                (folder / image.name).write_bytes(image.data)
            names = [f"{folder.name}/{image.name}" for image in images]
            question = "".join("<image>\n" for _ in names) + item.prompt
            row = {
                "id": item.item_id,
                **({"image": names[0] if len(names) == 1 else names} if names else {}),
                "conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": item.answer}],
                "type_id": item.type_id,
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return rejected


FORMAT = Format(
    name="llava", title="LLaVA JSON or JSON lines; one item per turn", items=ItemReader(_items), write=_write
)
