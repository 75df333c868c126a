"""RoboSpatial-Home: `category, question, answer, img, mask`; an answer is yes, no, or a polygon to point into."""

import ast

from vlm.evaluation.item_builders import bool_item
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import BadRow, Row


def _items(row: Row) -> list[Item]:
    answer = row.text("answer")
    known = {
        "item_id": row.name("id"),
        "source": "robospatial",
        "type_id": row.text("category"),
        "question": row.text("question"),
        "images": row.images("img") or row.images("image"),
    }
    if answer.lower().strip(" .") in ("yes", "no"):
        return [bool_item(row, answer=answer, **known)]
    polygon = _polygon(answer)
    masks = row.images("mask")
    if len(polygon) < 3 and not masks:
        raise BadRow(f"has the answer {answer[:60]!r}, which is neither yes, no nor a polygon, and no mask")
    truth = Truth(polygon=polygon) if len(polygon) >= 3 else Truth(mask=masks[0])
    return [Item(number=row.number, kind=Kind.POINT, answer=answer, truth=truth, **known)]


def _polygon(answer: str) -> tuple[tuple[float, float], ...]:
    try:
        points = ast.literal_eval(answer)
        return tuple((float(x), float(y)) for x, y in points)
    except (ValueError, SyntaxError, TypeError):
        return ()


FORMAT = Format(name="robospatial", title="RoboSpatial-Home: yes or no, and points in a mask", items=ItemReader(_items))
