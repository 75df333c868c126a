"""CV-Bench: `idx, type, task, question, choices, answer "(C)", source, image`, in Parquet or JSON lines."""

from vlm.evaluation.formats.layout import ItemFormat, choice_item
from vlm.evaluation.formats.rows import Row
from vlm.evaluation.items import Item


def _items(row: Row) -> list[Item]:
    return [
        choice_item(
            row,
            item_id=row.text("idx"),
            source="cv_bench",
            type_id=f"{row.text('type')} {row.text('task')}",
            question=row.text("question"),
            options=row.list("choices"),
            answer=row.text("answer"),
            part=row.text("source"),
            pictures=row.pictures("image") or row.pictures("filename"),
        )
    ]


FORMAT = ItemFormat(_items)
