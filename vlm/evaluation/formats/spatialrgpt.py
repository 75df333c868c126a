"""SpatialRGPT-Bench: `id, image_info, text_q, qa_info{type, category}, bbox, rle, conversations`, in JSON."""

import re
from typing import Any

from vlm.evaluation.item_builders import bool_item, choice_item
from vlm.evaluation.items import Item, Kind, Truth
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.reading.direction import parse_clock
from vlm.evaluation.reading.quantity import parse_quantity
from vlm.evaluation.rows import BadRow, Row, image_of

_REGION = re.compile(r"Region \[\d+\]")


def _items(row: Row) -> list[Item]:
    about = row.get("qa_info") or {}
    category = str(about.get("category") or "")
    if not category:
        raise BadRow("has no qa_info with a category")
    info = row.get("image_info") or {}
    known: dict[str, Any] = {
        "item_id": row.text("id"),
        "source": "spatialrgpt",
        "type_id": category.removesuffix("_data"),
        "question": row.text("text_q", "question"),
    }
    if info.get("file_path"):
        known["images"] = (image_of(info["file_path"], row.folder),)
    if info.get("width") and info.get("height"):
        known["size_px"] = (int(info["width"]), int(info["height"]))
    answer = _answer(row)
    if about.get("type") == "quantitative":
        return [_quantitative(row, category, answer, known)]
    if "choice" in category:
        options = tuple(dict.fromkeys(_REGION.findall(known["question"])))
        return [choice_item(row, options=options, answer=answer, **known)]
    return [bool_item(row, answer=answer, **known)]


def _answer(row: Row) -> str:
    turns = row.list("conversations")
    if len(turns) < 2 or not str(turns[1].get("value", "")).strip():
        raise BadRow("has no answer in its conversations")
    return str(turns[1]["value"]).strip()


def _quantitative(row: Row, category: str, answer: str, known: dict[str, Any]) -> Item:
    if category == "direction":
        hour = parse_clock(answer)
        if hour is None:
            raise BadRow(f"has the direction {answer!r}, which names no hour")
        return Item(number=row.number, kind=Kind.CLOCK, answer=answer, truth=Truth(clock_h=hour), **known)
    found = parse_quantity(answer)
    if found is None or found.value_si <= 0:
        raise BadRow(f"has the answer {answer!r}, which gives no length above 0")
    truth = Truth(value_si=found.value_si, unit_si="m")
    return Item(number=row.number, kind=Kind.NUMBER, answer=answer, truth=truth, **known)


FORMAT = Format(name="spatialrgpt", title="SpatialRGPT-Bench; regions keep their names", items=ItemReader(_items))
