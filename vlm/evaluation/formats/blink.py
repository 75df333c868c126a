"""BLINK: `idx, sub_task, question, choices, answer "(B)", image_1 .. image_4`, in Parquet or JSON."""

from vlm.evaluation.item_builders import choice_item
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import BadRow, Row


def _items(row: Row) -> list[Item]:
    answer = row.text("answer")
    if answer == "hidden":
        raise BadRow("has a hidden answer, as the test split does; use the validation split")
    return [
        choice_item(
            row,
            item_id=row.text("idx"),
            source="blink",
            type_id=row.text("sub_task"),
            question=row.text("question", "prompt"),
            options=row.list("choices"),
            answer=answer,
            images=row.images("image_1", "image_2", "image_3", "image_4"),
        )
    ]


FORMAT = Format(name="blink", title="BLINK, validation split", items=ItemReader(_items))
