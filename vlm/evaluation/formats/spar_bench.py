"""SPAR-Bench: `id, image[], question, answer, task`; options stand in the question, numbers are meters."""

from vlm.evaluation.item_builders import choice_item, number_item, options_in
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import BadRow, Row

_NUMBERS = ("depth_prediction", "distance_prediction")
_OWN_SCORE = "view_change_infer"


def _items(row: Row) -> list[Item]:
    task = row.text("task")
    question = row.text("question")
    known = {
        "item_id": row.name("id"),
        "source": "spar_bench",
        "type_id": task,
        "question": question,
        "images": row.images("image"),
    }
    if task == _OWN_SCORE:
        raise BadRow(f"is of task {_OWN_SCORE}, whose answers are camera movements that none of our scores fits")
    if task.startswith(_NUMBERS):
        return [number_item(row, value=float(row.text("answer")), unit="m", **known)]
    return [choice_item(row, options=options_in(question), answer=row.text("answer"), **known)]


FORMAT = Format(name="spar_bench", title="SPAR-Bench without camera movements", items=ItemReader(_items))
