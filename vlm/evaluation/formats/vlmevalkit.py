"""VLMEvalKit's TSV: `index, image | image_path, question, A .., answer, category`, and its prediction files.

An image may be the index of another row with the same picture; an index from 1,000,000 on is a rotation of the
question with the rest of it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm.evaluation.formats.layout import ItemFormat, PredictionFormat, choice_item, said_item
from vlm.evaluation.formats.rows import Row, rows_of
from vlm.evaluation.items import Answer, Item
from vlm.evaluation.pictures import Picture

_ROTATION = 1_000_000
_LONGEST_REFERENCE = 64


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
        "pictures": _pictures(row),
    }
    if options:
        group = str(int(index) % _ROTATION) if index.isdigit() else None
        return [choice_item(row, options=options, answer=row.text("answer"), circular_group=group, **known)]
    return [said_item(row, answer=row.text("answer"), **known)]


def _pictures(row: Row) -> tuple[Picture, ...]:
    encoded = row.list("image")
    return tuple(Picture(encoded=one) for one in encoded) if encoded else row.pictures("image_path")


def _answer(row: Row) -> Answer:
    index = row.text("index")
    return Answer(str(row.get("prediction") or ""), index, int(index) if index.isdigit() else None)


ITEMS = ItemFormat(_items, _rows)
PREDICTIONS = PredictionFormat(_answer)
