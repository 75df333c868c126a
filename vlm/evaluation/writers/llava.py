"""LLaVA JSON lines with a folder of pictures beside them: `id, image, conversations, type_id`."""

import json
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.writers.prepared import prepared, prompt_of


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.jsonl) and the folder `<its stem>_images`; return the items that were left out."""
    rejected: list[Rejected] = []
    folder = path.with_name(f"{path.stem}_images")
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as lines:
        for item, pictures in prepared(items, rejected):
            for picture in pictures:
                (folder / picture.name).write_bytes(picture.data)
            names = [f"{folder.name}/{picture.name}" for picture in pictures]
            said = "".join("<image>\n" for _ in names) + prompt_of(item)
            row = {
                "id": item.item_id,
                **({"image": names[0] if len(names) == 1 else names} if names else {}),
                "conversations": [{"from": "human", "value": said}, {"from": "gpt", "value": item.answer}],
                "type_id": item.type_id,
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return rejected
