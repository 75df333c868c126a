"""VLMEvalKit's TSV: `index, image | image_path, question, A .., answer, category`, and its prediction files.

An image may be the index of another row with the same image. An index of 1,000,000 or more is a rotation of the
question whose index is the remainder. VLMEvalKit finds a written file by its name in its LMUData folder.
"""

import base64
import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vlm.evaluation.encoding import encoded
from vlm.evaluation.images import ItemImage
from vlm.evaluation.item_builders import answer_item, choice_item
from vlm.evaluation.items import Answer, Item, Rejected
from vlm.evaluation.layouts import Format, ItemReader, PredictionReader
from vlm.evaluation.row_files import rows_of
from vlm.evaluation.rows import Row

_ROTATION = 1_000_000
_LONGEST_REFERENCE = 64
_COLUMNS: list[str] = ["index", "image", "question", *"ABCDEFGH", "answer", "category"]


def _rows(path: Path) -> Iterator[Row]:
    images: dict[str, str] = {}
    for row in rows_of(path):
        image = str(row.get("image") or "")
        if len(image) > _LONGEST_REFERENCE:
            images[str(row.get("index"))] = image
        elif image in images:
            yield Row({**row.values, "image": images[image]}, row.number, row.folder)
            continue
        yield row


def _items(row: Row) -> list[Item]:
    index = row.text("index")
    options = [str(row.get(letter)) for letter in "ABCDEFGH" if row.get(letter)]
    known: dict[str, Any] = {
        "item_id": index,
        "source": "vlmevalkit",
        "type_id": str(row.get("category") or "all"),
        "question": "\n".join(filter(None, (str(row.get("hint") or ""), row.text("question")))),
        "images": _images(row),
    }
    if options:
        group = str(int(index) % _ROTATION) if index.isdigit() else None
        return [choice_item(row, options=options, answer=row.text("answer"), circular_group=group, **known)]
    return [answer_item(row, answer=row.text("answer"), **known)]


def _images(row: Row) -> tuple[ItemImage, ...]:
    encoded = row.list("image")
    return tuple(ItemImage(encoded=one) for one in encoded) if encoded else row.images("image_path")


def _answer(row: Row) -> Answer:
    index = row.text("index").removesuffix(".0")  # pandas writes a column with an empty cell as floats
    return Answer(str(row.get("prediction") or ""), index, int(index) if index.isdigit() else None)


def _write(items: Iterable[Item], path: Path) -> list[Rejected]:
    """Write `path` (.tsv) with the item's number as index."""
    rejected: list[Rejected] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, _COLUMNS, delimiter="\t", restval="")
        table.writeheader()
        for item, images in encoded(items, rejected):
            texts = [base64.b64encode(image.data).decode() for image in images]
            row = {
                "index": item.number,
                "image": texts[0] if len(texts) == 1 else json.dumps(texts) if texts else "",
                "question": item.question,
                "answer": item.answer,
                "category": item.type_id,
                **{chr(ord("A") + place): option for place, option in enumerate(item.options[:8])},
            }
            table.writerow(row)
    return rejected


FORMAT = Format(
    name="vlmevalkit",
    title="VLMEvalKit's TSV, and its predictions",
    items=ItemReader(_items, _rows),
    predictions=PredictionReader(_answer, columns=("prediction",)),
    write=_write,
)
