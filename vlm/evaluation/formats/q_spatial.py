"""Q-Spatial Bench: `question, answer_value, answer_unit, question_type, image`, in Parquet or JSON."""

from vlm.evaluation.item_builders import number_item
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import Row


def _items(row: Row) -> list[Item]:
    return [
        number_item(
            row,
            item_id=row.name("id"),
            source="q_spatial",
            type_id=row.text("question_type"),
            question=row.text("question"),
            value=float(row.text("answer_value")),
            unit=row.text("answer_unit").lower(),
            images=row.images("image") or row.images("image_path"),
        )
    ]


FORMAT = Format(name="q_spatial", title="Q-Spatial Bench", items=ItemReader(_items))
