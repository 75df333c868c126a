"""VSI-Bench: `id, question_type, question, options, ground_truth, dataset, scene_name`; its images are videos."""

from vlm.evaluation.item_builders import choice_item, number_item
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import Row

# The units that the answers are in, as the questions ask for them.
_UNITS = {
    "object_abs_distance": "m",
    "object_size_estimation": "cm",
    "room_size_estimation": "m2",
    "object_counting": "count",
}


def _items(row: Row) -> list[Item]:
    type_id = row.text("question_type")
    known = {
        "item_id": row.text("id"),
        "source": "vsi_bench",
        "type_id": type_id,
        "question": row.text("question"),
        "part": str(row.get("dataset") or "") or None,
    }
    if type_id in _UNITS:
        return [number_item(row, value=float(row.text("ground_truth")), unit=_UNITS[type_id], **known)]
    return [choice_item(row, options=row.list("options"), answer=row.text("ground_truth"), **known)]


FORMAT = Format(name="vsi_bench", title="VSI-Bench, without its videos", items=ItemReader(_items))
