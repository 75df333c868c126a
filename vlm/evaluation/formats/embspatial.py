"""EmbSpatial-Bench: `question_id, relation, question, answer_options, answer (index), objects, image`."""

from vlm.evaluation.item_builders import choice_item
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import Row


def _items(row: Row) -> list[Item]:
    objects = row.get("objects")
    names = [one.get("name") for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
    return [
        choice_item(
            row,
            item_id=row.text("question_id"),
            source="embspatial",
            type_id=row.text("relation"),
            question=row.text("question"),
            options=row.list("answer_options"),
            answer=int(row.text("answer")),
            part=str(row.get("data_source") or "") or None,
            kinds=tuple(str(name) for name in names if name),
            images=row.images("image"),
        )
    ]


FORMAT = Format(name="embspatial", title="EmbSpatial-Bench", items=ItemReader(_items))
