"""VQA results: `[{"question_id": .., "answer": ..}]`, as the VQA evaluation servers take them."""

import json
from collections.abc import Iterable
from pathlib import Path

from vlm.evaluation.items import Answer, Prediction
from vlm.evaluation.layouts import Format, PredictionReader
from vlm.evaluation.rows import BadRow, Row


def write_predictions(predictions: Iterable[Prediction], path: Path) -> None:
    """Write `path` (.json) with the value read from every answer."""
    rows = [
        {
            "question_id": int(one.item.item_id) if one.item.item_id.isdigit() else one.item.item_id,
            "answer": str(one.reading.value or ""),
        }
        for one in predictions
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def _answer(row: Row) -> Answer:
    if row.get("answer") is None:
        raise BadRow("has no answer")
    return Answer(str(row.get("answer")), row.text("question_id"))


FORMAT = Format(
    name="vqa_results",
    title="results for the VQA evaluation servers",
    predictions=PredictionReader(_answer, columns=("answer",)),
)
