"""MMSI-Bench: `id, images, question, answer, question_type`; options stand in the question."""

from vlm.evaluation.formats.layout import ItemFormat, choice_item, options_in
from vlm.evaluation.formats.rows import Row
from vlm.evaluation.items import Item


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
            pictures=row.pictures("images"),
        )
    ]


FORMAT = ItemFormat(_items)
