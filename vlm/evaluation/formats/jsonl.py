"""Predictions in plain files: rows with an id and a text, whatever their columns are called."""

from pathlib import Path

from vlm.evaluation.items import Answer
from vlm.evaluation.layouts import Format, PredictionReader
from vlm.evaluation.rows import BadRow, Row

_IDS = ("item_id", "question_id", "id", "qid", "idx", "index")
_TEXTS = ("prediction", "raw", "text", "pred", "output", "response", "answer")


def _answer(row: Row) -> Answer:
    text = next((row.get(column) for column in _TEXTS if row.get(column) is not None), None)
    if text is None:
        raise BadRow(f"has none of {', '.join(_TEXTS)}")
    return Answer(str(text), row.text(*_IDS))


def _model(row: Row, path: Path) -> str:
    return str(row.get("model") or row.get("model_id") or path.stem)


FORMAT = Format(
    name="jsonl",
    title="rows with an id and a `prediction`, `text` or `answer`",
    predictions=PredictionReader(_answer, model=_model),
)
