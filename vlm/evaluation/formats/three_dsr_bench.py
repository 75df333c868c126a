"""3DSRBench: `qid, question, A .. D, answer, category, image`; rotations end in -1, -2, mirror images in -flip."""

import re

from vlm.evaluation.item_builders import choice_item
from vlm.evaluation.items import Item
from vlm.evaluation.layouts import Format, ItemReader
from vlm.evaluation.rows import Row

_ROTATION = re.compile(r"-\d+$")


def _items(row: Row) -> list[Item]:
    qid = row.text("qid", "index")
    options = [str(row.get(letter)) for letter in "ABCD" if _there(row.get(letter))]
    return [
        choice_item(
            row,
            item_id=qid,
            source="three_dsr_bench",
            type_id=row.text("category"),
            question=row.text("question"),
            options=options,
            answer=row.text("answer"),
            circular_group=_ROTATION.sub("", qid),
            flip_group=qid.replace("-flip", ""),
            images=row.images("image"),
        )
    ]


def _there(option: object) -> bool:
    return option is not None and str(option).strip().lower() not in ("", "nan")


FORMAT = Format(name="three_dsr_bench", title="3DSRBench, with CircularEval and FlipEval", items=ItemReader(_items))
