"""VLMEvalKit's TSV: `index, image, question, A .., answer, category`; it takes it from its LMUData folder by name."""

import base64
import csv
import json
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.items import Item, Rejected
from vlm.evaluation.writers.prepared import prepared

_COLUMNS: list[str] = ["index", "image", "question", *"ABCDEFGH", "answer", "category"]


def write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.tsv), its index the number of the item; return the items that were left out."""
    rejected: list[Rejected] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, _COLUMNS, delimiter="\t", restval="")
        table.writeheader()
        for item, pictures in prepared(items, rejected):
            encoded = [base64.b64encode(picture.data).decode() for picture in pictures]
            row = {
                "index": item.number,
                "image": encoded[0] if len(encoded) == 1 else json.dumps(encoded) if encoded else "",
                "question": item.question,
                "answer": item.answer,
                "category": item.type_id,
                **{chr(ord("A") + place): option for place, option in enumerate(item.options[:8])},
            }
            table.writerow(row)
    return rejected
