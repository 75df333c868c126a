"""MMSI-Bench: `id, images, question, answer, question_type`; options stand in the question."""

from vlm.evaluation.item_builders import choice_item, options_in
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import Row


def _items(row: Row) -> list[Item]:
    question = row.text("question")
    return [
        choice_item(
            row,
            item_id=row.text("id"),
            source="mmsi_bench",
            type_id=row.text("question_type"),
            question=question,
            options=options_in(question),
            answer=row.text("answer"),
            images=row.images("images"),
        )
    ]


FORMAT = Format(name="mmsi_bench", title="MMSI-Bench", items=ItemReader(_items))
