"""CV-Bench: `idx, type, task, question, choices, answer "(C)", source, image`, in Parquet or JSON lines."""

from vlm.evaluation.item_builders import choice_item
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import Row


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
            images=row.images("image") or row.images("filename"),
        )
    ]


FORMAT = Format(name="cv_bench", title="CV-Bench, with its own weighted total", items=ItemReader(_items))
