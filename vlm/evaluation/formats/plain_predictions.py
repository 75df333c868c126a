"""Predictions in plain files: JSON lines with an id and a text, VQA results, and the table that `evaluate` writes."""

from pathlib import Path

from vlm.evaluation.formats.layout import PredictionFormat
from vlm.evaluation.formats.rows import BadRow, Row
from vlm.evaluation.items import Answer

_IDS = ("item_id", "question_id", "id", "qid", "idx", "index")
_TEXTS = ("prediction", "raw", "text", "pred", "output", "response", "answer")


def _jsonl(row: Row) -> Answer:
    text = next((row.get(column) for column in _TEXTS if row.get(column) is not None), None)
    if text is None:
        raise BadRow(f"has none of {', '.join(_TEXTS)}")
    return Answer(str(text), row.text(*_IDS))


def _vqa_results(row: Row) -> Answer:
    if row.get("answer") is None:
        raise BadRow("has no answer")
    return Answer(str(row.get("answer")), row.text("question_id"))


def _table(row: Row) -> Answer:
    return Answer(str(row.get("raw") or ""), row.text("item_id"))


def _model(row: Row, path: Path) -> str:
    return str(row.get("model") or row.get("model_id") or path.stem)


JSONL = PredictionFormat(_jsonl, model=_model)
VQA_RESULTS = PredictionFormat(_vqa_results)
TABLE = PredictionFormat(_table, model=_model)
