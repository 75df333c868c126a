"""VQA results: `[{"question_id": .., "answer": ..}]`, as the VQA evaluation servers take them."""

import json
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.items import Prediction


def write(predictions: Iterable[Prediction], path: Path) -> None:
    """Write `path` (.json), with what was read out of every answer."""
    rows = [
        {
            "question_id": int(one.item.item_id) if one.item.item_id.isdigit() else one.item.item_id,
            "answer": str(one.reading.value or ""),
        }
        for one in predictions
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
